"""VOD's history of decisions: import those made in VOD's console, recognize our own."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from shortvideo.cloud.types import AuditEntry, AuditStatus, MediaFacts
from shortvideo.outbox.models import Delivery, DeliveryState
from videos.models import CensorStatus, Decision, LogPruning, ReviewDecision, Source, Video
from videos.services import DecisionInput, latest_human_decision, review_video
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
# In any other status no entry of the history is in force: it is about an earlier source.
DECIDED: Final = (AuditStatus.NORMAL, AuditStatus.BLOCKED)
EXPECTED_STATUS: Final[Mapping[str, AuditStatus]] = {
    CensorStatus.SUCCESS: AuditStatus.NORMAL,
    CensorStatus.FAIL: AuditStatus.BLOCKED,
}


def is_history_needed(video: Video | None, facts: MediaFacts) -> bool:
    """Whether VOD's history must be read to tell who decided what the facts show."""
    if facts.status not in DECIDED:
        return False
    if video is None or video.status != facts.status:
        return True
    expected = EXPECTED_STATUS.get(video.censor_status)
    return expected is not None and expected != facts.status and not _is_delivery_open(video)


def _is_delivery_open(video: Video) -> bool:
    return Delivery.objects.open().filter(kind=AUDIT_KIND).for_subject(video.vod_id).exists()


def import_history(
    video: Video, entries: Sequence[AuditEntry], *, is_sending: bool = False
) -> bool:
    """Record decisions made in VOD's console, and deliver ours again if an older one landed late.

    `entries` are VOD's, newest first; `is_sending` is True if the caller is about to send the
    standing decision. The caller has locked and saved the video. Returns whether a
    decision was recorded.
    """
    own = _own_decisions(video, entries)
    external = _external_entries(video, entries, own) if video.status in DECIDED else []
    recorded = [_record_external(video, entry) for entry in reversed(external)]
    _redeliver_if_stale(video, entries[0] if entries else None, own, is_sending=is_sending)
    return any(recorded)


def _own_decisions(video: Video, entries: Sequence[AuditEntry]) -> dict[int, ReviewDecision]:
    """Return our decisions about this video that are in VOD's history, by id."""
    ids = {mark for entry in entries if (mark := _mark_of(entry)) is not None}
    return {decision.pk: decision for decision in video.decisions.filter(pk__in=ids)}


def _mark_of(entry: AuditEntry) -> int | None:
    found = MARK.search(entry.comment)
    return int(found[1]) if found else None


def _external_entries(
    video: Video, entries: Sequence[AuditEntry], own: dict[int, ReviewDecision]
) -> list[AuditEntry]:
    """Return entries made elsewhere after our latest human decision, newest first."""
    standing = latest_human_decision(video)
    is_standing_listed = standing is not None and (
        standing.pk in own or standing.source == Source.VOD
    )
    known = set(video.decisions.filter(source=Source.VOD).values_list("created_at", "decision"))
    found: list[AuditEntry] = []
    for entry in entries:
        decision = own.get(_mark_of(entry) or 0)
        if decision is not None:
            if decision.is_human:
                break
            continue  # a machine's: a person overrules it at any position
        if _is_pruned(entry):
            continue
        if (entry.created_at, entry.status) in known:
            break
        if entry.status not in tuple(AuditStatus) or is_of_earlier_source(video, entry.created_at):
            continue
        # While VOD does not list our decision, only entries made after it count.
        if standing is None or is_standing_listed or entry.created_at > standing.created_at:
            found.append(entry)
    return found


def _is_pruned(entry: AuditEntry) -> bool:
    """Whether the entry has the mark of a decision of ours that `prune_log` removed."""
    mark = _mark_of(entry)
    if mark is None or ReviewDecision.objects.filter(pk=mark).exists():
        return False
    return LogPruning.objects.filter(first_id__lte=mark, last_id__gte=mark).exists()


def _record_external(video: Video, entry: AuditEntry) -> bool:
    """Record a decision made elsewhere, and cancel ours that are older and not sent yet.

    An equal decision is recorded only if ours may still be undone; else ours stays.
    Returns whether the decision was recorded.
    """
    count = video.decisions.count()
    new = DecisionInput(
        Decision(entry.status),
        Source.VOD,
        auditor=entry.auditor[:255],
        reason=entry.reason[:512],
        comment=entry.comment,
        created_at=entry.created_at,
    )
    review_video(video, new)
    if video.decisions.count() == count:
        return False
    unsent = Delivery.objects.waiting().filter(kind=AUDIT_KIND, claim_count=0)
    for delivery in unsent.for_subject(video.vod_id):
        cancel_if_unsent(delivery)
    return True


def _redeliver_if_stale(
    video: Video, top: AuditEntry | None, own: dict[int, ReviewDecision], *, is_sending: bool
) -> None:
    """Deliver the standing decision again if an older one of ours is on top of VOD's history.

    Not while its delivery waits: that will be on top anyway. Not if the delivery was given up: an
    operator retries it. A delivery that is being sent may have landed before the older one, so it
    is sent again: twice does no harm. With `is_sending` it has not been sent yet.
    """
    if top is None or (_mark_of(top) or 0) not in own:
        return
    standing = standing_decision(video)
    if standing is None or standing.pk == _mark_of(top) or standing.decision == top.status:
        return
    carriers = list(deliveries_of_decision(standing))
    states = {delivery.state for delivery in carriers}
    if DeliveryState.WAITING in states:
        return
    if DeliveryState.LEASED in states:
        if not is_sending:  # do not supersede it: its followers (such as a purge) still come
            resend_decision(standing, supersede=False)
    elif not carriers or not carriers[-1].was_given_up:
        redeliver_decision(video, standing)
