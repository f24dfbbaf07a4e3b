"""create_audit: send decisions to VOD."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from itertools import chain
from typing import Final

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from shortvideo.cloud import CloudRejected, CloudUnavailable, vod_gateway
from shortvideo.outbox import services as outbox
from shortvideo.outbox.handlers import Again, Done, Outcome, Refused, Superseded
from shortvideo.outbox.models import Delivery
from shortvideo.pacing import batched
from shortvideo.text import cut_to_bytes
from videos.deliveries.reading import deliver_readings
from videos.deliveries.video import VideoHandler
from videos.mirror import asking
from videos.mirror.history import DECIDED
from videos.models import Decision, ReviewDecision, Source, Video, VideoDeletion
from videos.models.review import REASON_BYTES
from videos.services.review import DecisionInput, record_decision
from videos.services.standing import as_audit, is_latest_decision, standing_decision_ids

STALE: Final = timedelta(minutes=10)
NO_LONGER_STANDS = Superseded(
    "Not sent: the video has another source or another decision since, or is in review again."
)
RETRIED_IN_VAIN = Refused("NoLongerStands", NO_LONGER_STANDS.reason)
DELETED = Superseded("VOD has deleted the video since.")


class CreateAuditHandler(VideoHandler):
    """Sends decisions. The last call wins in VOD, so a newer decision may replace a failed one.

    VOD refuses a batch as a whole, and the outbox divides it until the bad item is alone. A
    decision that no longer stands, such as one about an earlier source, is not sent; if an
    operator retried it, the delivery fails with that reason.

    If a decision waited for long (an outage, a restored backup), VOD's history is imported first:
    a later decision in VOD's console stands.
    """

    kind = "create_audit"
    batch_size = 100
    supersede_attempted = True

    def deliver(self, batch: Sequence[Delivery]) -> Mapping[int, Outcome]:
        outcomes = _import_contradicting(batch)
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
        audits = [as_audit(decisions[pk]) for pk in decisions if isinstance(outcomes[pk], Done)]
        if audits:
            vod_gateway().create_audit(audits)
        return outcomes

    def settle(self, delivery: Delivery, outcome: Outcome) -> None:
        if delivery.is_refused:
            _return_to_review(_decisions_of([delivery])[delivery.pk], delivery)
        if delivery.broken_lease_count and not delivery.is_open:
            # A worker lost its lease during this call. The call may still land in VOD after a
            # newer decision and reverse it, so VOD is read again later.
            seconds = settings.REVIEW_LOOK_BACK_SECONDS
            outbox.send("reread_video", subject=delivery.subject, delay_seconds=seconds)


def _import_contradicting(batch: Sequence[Delivery]) -> dict[int, Outcome]:
    """Import VOD's history where a decision that waited for long would reverse what VOD shows.

    Returns the outcomes of the deliveries whose history could not be read: they must not be sent.
    A refused reading is a fault: it must not send the video back to review. Raises
    CloudRejected if the batch has several items: the bad one must be alone first.
    """
    limit = timezone.now() - STALE
    stale = [delivery for delivery in batch if delivery.created_at < limit]
    decisions = _decisions_of(stale)
    outcomes: dict[int, Outcome] = {}
    chunks = batched(stale, asking.BATCH_SIZE)
    for chunk in chunks:
        try:
            outcomes |= _import_chunk(chunk, decisions)
            continue
        except CloudUnavailable as error:
            again = Again(str(error), error.retry_after, error.throttled)
            if error.throttled:  # another call would be throttled too
                chunk.extend(chain.from_iterable(chunks))
        except CloudRejected as error:
            if len(batch) > 1:
                raise
            again = Again(str(error), is_fault=True)
        outcomes |= {delivery.pk: again for delivery in chunk}
    return outcomes


def _import_chunk(
    chunk: Sequence[Delivery], decisions: Mapping[int, ReviewDecision]
) -> dict[int, Outcome]:
    """Import the history of videos that VOD shows otherwise. Returns outcomes where that failed.

    Raises CloudUnavailable, CloudRejected if the facts cannot be read.
    """
    facts, _ = asking.fetch_facts(delivery.subject for delivery in chunk)
    shown = {vod_id: item.status for vod_id, item in facts.items() if item.status in DECIDED}
    contradicting = [
        delivery
        for delivery in chunk
        if delivery.subject in shown and shown[delivery.subject] != decisions[delivery.pk].decision
    ]
    if not contradicting:
        return {}
    outcomes = deliver_readings(
        contradicting,
        lambda _: asking.ReadRequest(audits=True, is_sending=True),
        removable=lambda _: False,
    )
    return {
        pk: Again(outcome.message, is_fault=True) if isinstance(outcome, Refused) else outcome
        for pk, outcome in outcomes.items()
        if not isinstance(outcome, Done)
    }


def _decisions_of(deliveries: Sequence[Delivery]) -> dict[int, ReviewDecision]:
    """The decisions that deliveries carry, by the deliveries' primary keys; one query.

    A delivery carries its own decision, or repeats the one in its payload. Raises KeyError if the
    log does not have it.
    """
    repeated = {d.pk: d.payload["decision"] for d in deliveries if "decision" in d.payload}
    own = [delivery.pk for delivery in deliveries if delivery.pk not in repeated]
    decisions = ReviewDecision.objects.select_related("video").filter(
        Q(pk__in=set(repeated.values())) | Q(delivery__in=own)
    )
    by_id = {decision.pk: decision for decision in decisions}
    ids = {decision.delivery_id: decision.pk for decision in by_id.values()} | repeated
    return {delivery.pk: by_id[ids[delivery.pk]] for delivery in deliveries}


def _deleted_among(videos: Iterable[Video]) -> set[int]:
    """The keys of the deleted videos, without those whose deletion VOD may still refuse."""
    deleted = {video.pk for video in videos if video.deleted_at is not None}
    waiting = VideoDeletion.objects.filter(video__in=deleted, state=VideoDeletion.State.WAITING)
    return deleted - set(waiting.values_list("video", flat=True))


def _return_to_review(decision: ReviewDecision, delivery: Delivery) -> None:
    """Send a video back to review whose approval VOD refused. A refused block stays a block."""
    video = Video.objects.select_for_update().get(pk=decision.video_id)
    if decision.decision != Decision.NORMAL or video.deleted_at is not None:
        return
    if not is_latest_decision(video, decision):
        return
    reason = cut_to_bytes(f"VOD refused the pass: {delivery.error_code}", REASON_BYTES)
    new = DecisionInput(Decision.REVIEW, Source.SYSTEM, reason=reason, comment=delivery.error)
    record_decision(video, new)
