"""Decisions in VOD's history: those of people in its own console, and ours coming back."""

import re
from collections.abc import Sequence
from typing import Final

from shortvideo.cloud.types import AuditEntry, AuditStatus, MediaFacts
from shortvideo.outbox.models import Delivery, DeliveryState
from videos.models import CensorStatus, Decision, LogPruning, ReviewDecision, Source, Video
from videos.services.review import latest_human_decision, review_video
from videos.services.source import is_of_earlier_source
from videos.services.standing import (
    AUDIT_KIND,
    cancel_if_unsent,
    deliveries_of_decision,
    redeliver_decision,
    resend_decision,
    standing_decision,
)

MARK: Final = re.compile(r"(?:^|\s)#(\d{1,18})$")
# In any other status no entry of the history is in force: another source takes them away.
DECIDED: Final = (AuditStatus.NORMAL, AuditStatus.BLOCKED)
EXPECTED_STATUS: Final = {
    CensorStatus.SUCCESS: AuditStatus.NORMAL,
    CensorStatus.FAIL: AuditStatus.BLOCKED,
}


def is_history_needed(video: Video | None, facts: MediaFacts) -> bool:
    """Whether VOD's history must be read to tell who decided what the facts show."""
    if facts.status not in DECIDED:
        return False
    if video is None or video.status != facts.status:
        return True
    expected = EXPECTED_STATUS.get(CensorStatus(video.censor_status))
    return expected is not None and expected != facts.status and not _is_delivery_open(video)


def _is_delivery_open(video: Video) -> bool:
    return Delivery.objects.open().filter(kind=AUDIT_KIND).for_subject(video.vod_id).exists()


def import_history(
    video: Video, entries: Sequence[AuditEntry], *, is_sending: bool = False
) -> bool:
    """Record what people decided in VOD's console; what of ours landed late is overruled.

    `entries` are VOD's, newest first; `is_sending` where whoever asked is just about to send what
    stands. The caller holds the video's lock and has saved it. Returns whether anything was
    recorded.
    """
    ours = _own_decisions(video, entries)
    foreign = _external_entries(video, entries, ours) if video.status in DECIDED else []
    recorded = [_record_external(video, entry) for entry in reversed(foreign)]
    _redeliver_if_stale(video, entries[0] if entries else None, ours, is_sending=is_sending)
    return any(recorded)


def _own_decisions(video: Video, entries: Sequence[AuditEntry]) -> dict[int, ReviewDecision]:
    """Our decisions about this video that the history carries, by id."""
    ids = {mark for entry in entries if (mark := _mark_of(entry)) is not None}
    return {decision.pk: decision for decision in video.decisions.filter(pk__in=ids)}


def _mark_of(entry: AuditEntry) -> int | None:
    found = MARK.search(entry.comment)
    return int(found[1]) if found else None


def _external_entries(
    video: Video, entries: Sequence[AuditEntry], ours: dict[int, ReviewDecision]
) -> list[AuditEntry]:
    """Entries of other people that are newer than our latest human decision, newest first."""
    standing = latest_human_decision(video)
    is_standing_listed = standing is not None and (standing.pk in ours or _is_from_vod(standing))
    known = set(video.decisions.filter(source=Source.VOD).values_list("created_at", "decision"))
    found: list[AuditEntry] = []
    for entry in entries:
        decision = ours.get(_mark_of(entry) or 0)
        if decision is not None:
            if decision.is_human:
                break
            continue  # a machine's: people overrule it wherever they stand
        if _is_pruned(entry):
            continue
        if (entry.created_at, entry.status) in known:
            break
        if entry.status not in tuple(AuditStatus) or is_of_earlier_source(video, entry.created_at):
            continue
        # One of ours that VOD has not seen yet is newer than all that it was decided after.
        if standing is None or is_standing_listed or entry.created_at > standing.created_at:
            found.append(entry)
    return found


def _is_pruned(entry: AuditEntry) -> bool:
    """Whether it carries the mark of a decision of ours that the log has been pruned of."""
    mark = _mark_of(entry)
    if mark is None or ReviewDecision.objects.filter(pk=mark).exists():
        return False
    return LogPruning.objects.filter(first_id__lte=mark, last_id__gte=mark).exists()


def _is_from_vod(standing: ReviewDecision) -> bool:
    """Whether VOD told us of it itself."""
    return standing.source == Source.VOD


def _record_external(video: Video, entry: AuditEntry) -> bool:
    """Write somebody else's decision; ours that was not sent yet is older and goes nowhere.

    Of an equal one nothing is written, and ours goes on with its takedown, unless ours may still
    be undone.
    """
    count = video.decisions.count()
    review_video(
        video,
        decision=Decision(entry.status),
        source=Source.VOD,
        auditor=entry.auditor[:255],
        reason=entry.reason[:512],
        comment=entry.comment,
        created_at=entry.created_at,
    )
    if video.decisions.count() == count:
        return False
    unsent = Delivery.objects.waiting().filter(kind=AUDIT_KIND, claim_count=0)
    for delivery in unsent.for_subject(video.vod_id):
        cancel_if_unsent(delivery)
    return True


def _redeliver_if_stale(
    video: Video, top: AuditEntry | None, ours: dict[int, ReviewDecision], *, is_sending: bool
) -> None:
    """Deliver the standing decision over again where an older one of ours came in after it.

    Not while it waits to be sent, nor where it was given up: that is an operator's to retry. One
    that is just being sent may have come in before that older one: twice does no harm. Where
    whoever asked is about to send it (`is_sending`), it has not.
    """
    if top is None or (_mark_of(top) or 0) not in ours:
        return
    standing = standing_decision(video)
    if standing is None or standing.pk == _mark_of(top) or standing.decision == top.status:
        return
    carriers = list(deliveries_of_decision(standing))
    states = {delivery.state for delivery in carriers}
    if DeliveryState.WAITING in states:
        return
    if DeliveryState.LEASED in states:
        if not is_sending:  # beside it: what comes after that one still does
            resend_decision(standing, supersede=False)
    elif not carriers or not carriers[-1].was_given_up:
        redeliver_decision(video, standing)
