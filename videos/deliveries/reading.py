"""process_event, read_video, reread_video: read VOD again and apply the readings."""

from collections.abc import Callable, Mapping, Sequence

from django.utils import timezone

from shortvideo.cloud import CloudRejected, CloudUnavailable
from shortvideo.cloud.retry import no_retry
from shortvideo.outbox.handlers import Again, Done, Handler, Outcome, Refused
from shortvideo.outbox.models import Delivery, DeliveryState
from videos import mirror
from videos.events.inbox import read_request_for, reported_pictures, reports_deletion
from videos.mirror import asking
from videos.mirror.asking import EVERYTHING, ReadRequest, ReadResult
from videos.models import VodEvent

# A fault: a retry may help, but after OUTBOX_MAX_ATTEMPTS the delivery is given up.
NOT_UNDERSTOOD = Again("VOD's answer about this video is not understood.", is_fault=True)
STILL_GONE = Refused("StillGone", "VOD still does not have this video: it stays deleted.")


class ProcessEventHandler(Handler):
    """An event makes us read VOD again; its body is not signed, so it is not trusted."""

    kind = "process_event"
    batch_size = asking.BATCH_SIZE

    def deliver(self, batch: Sequence[Delivery]) -> Mapping[int, Outcome]:
        events = VodEvent.objects.in_bulk([delivery.payload["event"] for delivery in batch])
        by_delivery = {delivery.pk: events[delivery.payload["event"]] for delivery in batch}
        outcomes = deliver_readings(
            batch,
            lambda delivery: read_request_for(by_delivery[delivery.pk]),
            removable=lambda delivery: reports_deletion(by_delivery[delivery.pk]),
        )
        for event in by_delivery.values():
            mirror.write_reported_pictures(event.media_id, reported_pictures(event))
        return outcomes

    def settle(self, delivery: Delivery, outcome: Outcome) -> None:
        event, now = VodEvent.objects.get(pk=delivery.payload["event"]), timezone.now()
        if delivery.state == DeliveryState.DONE:
            event.state, event.error = VodEvent.State.DONE, ""
            event.processed_at, event.attention_at = now, None
        elif delivery.state == DeliveryState.GIVEN_UP:
            event.state, event.error = VodEvent.State.FAILED, delivery.error
            event.attention_at = now
        elif delivery.state == DeliveryState.SUPERSEDED:
            event.attention_at = None  # an operator has seen it
        event.save(update_fields=["state", "error", "processed_at", "attention_at"])


class ReadVideoHandler(Handler):
    """A reading of everything about a video."""

    kind = "read_video"
    batch_size = asking.BATCH_SIZE

    def deliver(self, batch: Sequence[Delivery]) -> Mapping[int, Outcome]:
        return deliver_readings(batch, lambda _: EVERYTHING, removable=lambda _: False)


class RereadVideoHandler(ReadVideoHandler):
    """The same for readings that wait for a time or for another delivery.

    Deliveries of one kind and subject keep their order, so a waiting `read_video` would hold up
    the next one. The two kinds need no order: the mirror never goes back in time.
    """

    kind = "reread_video"


def deliver_readings(
    batch: Sequence[Delivery],
    request_for: Callable[[Delivery], ReadRequest],
    *,
    removable: Callable[[Delivery], bool],
) -> dict[int, Outcome]:
    """Read the videos of a batch and apply the readings. Returns an outcome for each delivery.

    A refusal about one video stops no other. A video that VOD does not have needs no reading: its
    deliveries are done. Once VOD throttles us, the rest of the batch is left for later.

    Raises CloudUnavailable or CloudRejected if the facts of the videos cannot be read.
    """
    deliveries = {delivery.subject: delivery for delivery in batch}
    results = asking.read_videos(
        deliveries, lambda facts, _: request_for(deliveries[facts.vod_id]), call=no_retry
    )
    readings: list[mirror.Reading] = []
    outcomes: dict[int, Outcome] = {}
    for result in results:
        delivery = deliveries[result.vod_id]
        outcome = outcomes[delivery.pk] = _outcome_of(result, delivery)
        if result.reading is not None:
            if _is_undeleting(delivery) and not result.errors:
                mirror.undelete_found_video(result.reading)
            else:
                readings.append(result.reading)
        elif result.is_missing and removable(delivery):
            mirror.remove_videos([result.vod_id])
        if isinstance(outcome, Again) and outcome.throttled:
            outcomes = dict.fromkeys((each.pk for each in batch), outcome) | outcomes
            break
    mirror.apply(readings)
    return outcomes


def _outcome_of(result: ReadResult, delivery: Delivery) -> Outcome:
    """Raises CloudRejected if VOD refuses to say whether it still has the video."""
    if result.is_missing:
        return STILL_GONE if _is_undeleting(delivery) else Done()
    if result.reading is None and result.error is None:
        return NOT_UNDERSTOOD
    error = next(iter(result.errors), None)
    try:
        if isinstance(error, CloudRejected) and not _is_gone(result.vod_id, error):
            return Refused(error.code, str(error), error.request_id)
    except CloudUnavailable as unavailable:
        error = unavailable
    if isinstance(error, CloudUnavailable):
        return Again(str(error), error.retry_after, error.throttled)
    return Done()


def _is_undeleting(delivery: Delivery) -> bool:
    """Whether an operator wants the video back, and is told if VOD does not have it."""
    return bool(delivery.payload.get("is_restoring"))


def _is_gone(vod_id: str, error: CloudRejected) -> bool:
    """Whether VOD deleted the video between two of our calls about it.

    Raises CloudUnavailable, CloudRejected.
    """
    return error.is_not_found and vod_id in asking.fetch_facts([vod_id])[1]
