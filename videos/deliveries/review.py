"""create_audit: decisions on their way to VOD."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from shortvideo.cloud import CloudRejected, CloudUnavailable, vod_gateway
from shortvideo.cloud.types import Audit, AuditStatus
from shortvideo.outbox import services as outbox
from shortvideo.outbox.handlers import Again, Done, Outcome, Refused, Superseded
from shortvideo.outbox.models import Delivery
from shortvideo.text import cut_to_bytes
from videos.deliveries.reading import deliver_readings
from videos.deliveries.subject import VideoHandler
from videos.mirror import asking
from videos.mirror.history import DECIDED
from videos.models import Decision, ReviewDecision, Source, TaskCause, Video, VideoDeletion
from videos.models.review import COMMENT_BYTES, REASON_BYTES
from videos.services.review import DecisionInput, record_decision
from videos.services.standing import is_latest_decision, standing_decision_ids
from videos.services.status import open_task

STALE: Final = timedelta(minutes=10)
NO_LONGER_STANDS = Superseded(
    "Not sent: the video has another source or another decision since, or went back to review."
)
RETRIED_IN_VAIN = Refused("NoLongerStands", NO_LONGER_STANDS.reason)
DELETED = Superseded("VOD has deleted the video since.")


class CreateAuditHandler(VideoHandler):
    """The last decision wins in VOD, so a newer one may replace one that failed.

    VOD says nothing about a single item of a batch; the outbox divides a refused batch until the
    bad item stands alone. A decision that no longer stands, such as one about an earlier source,
    is not sent: VOD would take it for the last word. Who retried one by hand is told so.

    One that waited for long (an outage, a restored backup) asks VOD first what was decided there
    since: that is brought in, and stands.
    """

    kind = "create_audit"
    batch_size = 100
    supersede_attempted = True

    def deliver(self, batch: Sequence[Delivery]) -> Mapping[int, Outcome]:
        outcomes = _read_contradicted(batch)
        sendable = [delivery for delivery in batch if delivery.pk not in outcomes]
        decisions = _decisions_of(sendable)
        videos = [decision.video for decision in decisions.values()]
        deleted, standing = _deleted_among(videos), set(standing_decision_ids(videos).values())
        for delivery in sendable:
            decision = decisions[delivery.pk]
            if decision.video_id in deleted:
                outcomes[delivery.pk] = DELETED
            elif decision.pk in standing:
                outcomes[delivery.pk] = Done()
            else:
                is_retried = delivery.retry_count > 0
                outcomes[delivery.pk] = RETRIED_IN_VAIN if is_retried else NO_LONGER_STANDS
        audits = [_as_audit(decisions[pk]) for pk in decisions if isinstance(outcomes[pk], Done)]
        if audits:
            vod_gateway().create_audit(audits)
        return outcomes

    def settle(self, delivery: Delivery, outcome: Outcome) -> None:
        if delivery.is_refused:
            _return_to_review(_decisions_of([delivery])[delivery.pk], delivery)
        if delivery.broken_lease_count and not delivery.is_open:
            # A worker lost its lease over this one: its call may still land, after a newer one,
            # and that is how a reversal would be undone.
            seconds = settings.REVIEW_LOOK_BACK_SECONDS
            outbox.send("reread_video", subject=delivery.subject, delay_seconds=seconds)


def _read_contradicted(batch: Sequence[Delivery]) -> dict[int, Outcome]:
    """Bring in VOD's history where sending what waited for long would reverse what VOD shows.

    Returns what becomes of those whose history could not be read; they must not be sent, and the
    others need not wait for them. What VOD refuses is a reading, so no decision is undone for it.
    Raises CloudRejected for a batch of several, one of which VOD refuses to tell about.
    """
    latest = timezone.now() - STALE
    stale = [delivery for delivery in batch if delivery.created_at < latest]
    decisions = _decisions_of(stale)
    unread: dict[int, Outcome] = {}
    for start in range(0, len(stale), asking.BATCH_SIZE):
        some = stale[start : start + asking.BATCH_SIZE]
        try:
            unread |= _unread_of(some, decisions)
        except CloudUnavailable as error:
            again = Again(str(error), error.retry_after, error.throttled)
            if error.throttled:  # another question now would only be throttled too
                return unread | {delivery.pk: again for delivery in stale[start:]}
            unread |= {delivery.pk: again for delivery in some}
        except CloudRejected as error:
            if len(batch) > 1:
                raise
            unread |= {delivery.pk: Again(str(error), is_fault=True) for delivery in some}
    return unread


def _unread_of(
    some: Sequence[Delivery], decisions: Mapping[int, ReviewDecision]
) -> dict[int, Outcome]:
    """Read the history of those that say other than VOD shows; the outcomes where it failed.

    Raises CloudUnavailable, CloudRejected when the facts themselves could not be read.
    """
    outcomes: dict[int, Outcome] = {}
    if different := _contradicted(some, decisions):
        outcomes = deliver_readings(
            different,
            lambda _: asking.ReadRequest(audits=True, is_sending=True),
            removable=lambda _: False,
        )
    return {pk: _as_unread(end) for pk, end in outcomes.items() if not isinstance(end, Done)}


def _as_unread(outcome: Outcome) -> Outcome:
    """A refused reading as a fault: trying again may help, and VOD has refused no decision."""
    return Again(outcome.message, is_fault=True) if isinstance(outcome, Refused) else outcome


def _contradicted(
    some: Sequence[Delivery], decisions: Mapping[int, ReviewDecision]
) -> list[Delivery]:
    """Those that say other than VOD shows, of as many as one call reads."""
    facts, _ = asking.fetch_facts(delivery.subject for delivery in some)
    shown = {vod_id: said.status for vod_id, said in facts.items() if said.status in DECIDED}
    return [
        delivery
        for delivery in some
        if delivery.subject in shown and shown[delivery.subject] != decisions[delivery.pk].decision
    ]


def _decisions_of(deliveries: Sequence[Delivery]) -> dict[int, ReviewDecision]:
    """The decisions that deliveries carry, by the deliveries' primary keys; one query.

    A delivery carries its own, or one that is delivered over again. KeyError where the log has
    none.
    """
    named = {d.pk: d.payload["decision"] for d in deliveries if "decision" in d.payload}
    own = [delivery.pk for delivery in deliveries if delivery.pk not in named]
    found = ReviewDecision.objects.select_related("video").filter(
        Q(pk__in=set(named.values())) | Q(delivery__in=own)
    )
    by_id = {decision.pk: decision for decision in found}
    ids = {decision.delivery_id: decision.pk for decision in by_id.values()} | named
    return {delivery.pk: by_id[ids[delivery.pk]] for delivery in deliveries}


def _deleted_among(videos: Iterable[Video]) -> set[int]:
    """Which of them VOD has no more; a deletion that it may yet refuse does not count."""
    deleted = {video.pk for video in videos if video.deleted_at is not None}
    waiting = VideoDeletion.objects.filter(video__in=deleted, state=VideoDeletion.State.WAITING)
    return deleted - set(waiting.values_list("video", flat=True))


def _as_audit(decision: ReviewDecision) -> Audit:
    """The call's item; its comment ends in our mark, by which it is known when it comes back."""
    comment = cut_to_bytes(decision.comment, COMMENT_BYTES)
    return Audit(
        vod_id=decision.video.vod_id,
        status=AuditStatus(decision.decision),
        reason=cut_to_bytes(decision.reason, REASON_BYTES),
        comment=f"{comment} {decision.mark}".lstrip(),
    )


def _return_to_review(decision: ReviewDecision, delivery: Delivery) -> None:
    """A pass that VOD refused goes back to a person; a refused block stays blocked here."""
    video = Video.objects.select_for_update().get(pk=decision.video_id)
    if decision.decision != Decision.NORMAL or video.deleted_at is not None:
        return
    if not is_latest_decision(video, decision):
        return
    reason = cut_to_bytes(f"VOD refused the pass: {delivery.error_code}", REASON_BYTES)
    new = DecisionInput(Decision.REVIEW, Source.SYSTEM, reason=reason, comment=delivery.error)
    record_decision(video, new)
    open_task(video, TaskCause.RECHECK)
