"""process_event, read_video, reread_video: VOD is asked again, the mirror writes what it says."""

from collections.abc import Callable, Mapping, Sequence

from django.utils import timezone

from shortvideo.cloud import CloudRejected, CloudUnavailable
from shortvideo.cloud.types import MediaFacts
from shortvideo.outbox.handlers import Again, Done, Handler, Outcome, Refused
from shortvideo.outbox.models import Delivery, DeliveryState
from videos import mirror
from videos.events.inbox import read_request_for, reports_deletion
from videos.mirror import asking
from videos.mirror.asking import EVERYTHING, ReadRequest
from videos.models import Video, VodEvent

# VOD has answered, and not about this video. It may do so the next time, but not for ever.
NOT_UNDERSTOOD = Again("VOD's answer about this video is not understood.", is_fault=True)
STILL_GONE = Refused("StillGone", "VOD still does not have this video: it stays deleted.")


class ProcessEventHandler(Handler):
    """An event causes a reading; its body is not signed, and so not believed."""

    kind = "process_event"
    batch_size = asking.BATCH_SIZE

    def deliver(self, batch: Sequence[Delivery]) -> Mapping[int, Outcome]:
        events = VodEvent.objects.in_bulk([delivery.payload["event"] for delivery in batch])
        by_delivery = {delivery.pk: events[delivery.payload["event"]] for delivery in batch}
        return deliver_readings(
            batch,
            lambda delivery: read_request_for(by_delivery[delivery.pk]),
            removable=lambda delivery: reports_deletion(by_delivery[delivery.pk]),
        )

    def settle(self, delivery: Delivery, outcome: Outcome) -> None:
        event, now = VodEvent.objects.get(pk=delivery.payload["event"]), timezone.now()
        if delivery.state == DeliveryState.DONE:
            event.state, event.error = VodEvent.State.DONE, ""
            event.processed_at, event.attention_at = now, None
        elif delivery.state == DeliveryState.GIVEN_UP:
            event.state, event.error = VodEvent.State.FAILED, delivery.error
            event.attention_at = now
        elif delivery.state == DeliveryState.SUPERSEDED:
            event.attention_at = None  # somebody has seen it
        event.save(update_fields=["state", "error", "processed_at", "attention_at"])


class ReadVideoHandler(Handler):
    """A reading of everything about a video, asked for by its id."""

    kind = "read_video"
    batch_size = asking.BATCH_SIZE

    def deliver(self, batch: Sequence[Delivery]) -> Mapping[int, Outcome]:
        return deliver_readings(batch, lambda _: EVERYTHING, removable=lambda _: False)


class RereadVideoHandler(ReadVideoHandler):
    """The same, for what has to wait: for a time to pass, or for another delivery.

    Deliveries of one kind and subject keep their order, so a reading that waits would hold up
    those that are wanted now. Between the two kinds no order is needed: the mirror never goes back.
    """

    kind = "reread_video"


def deliver_readings(
    batch: Sequence[Delivery],
    asked: Callable[[Delivery], ReadRequest],
    *,
    removable: Callable[[Delivery], bool],
) -> dict[int, Outcome]:
    """Read the videos of a batch and apply them; what VOD refuses about one stops no other.

    A video that VOD does not have needs no reading: its deliveries are done. Once VOD asks us to
    slow down, the rest of the batch is not asked about.

    Raises CloudUnavailable, CloudRejected when the facts themselves could not be read.
    """
    facts, missing = asking.fetch_facts(delivery.subject for delivery in batch)
    rows = asking.rows_by_vod_id(facts.values())
    readings: list[mirror.Reading] = []
    outcomes: dict[int, Outcome] = {}
    throttled: Again | None = None
    for delivery in batch:
        vod_id = delivery.subject
        if throttled is not None:
            outcomes[delivery.pk] = throttled
        elif vod_id in facts:
            reading, outcome = _read_one(facts[vod_id], rows.get(vod_id), asked(delivery))
            outcomes[delivery.pk] = outcome
            throttled = outcome if isinstance(outcome, Again) and outcome.throttled else None
            if reading is not None and _is_undeleting(delivery) and not reading.refusals:
                mirror.undelete_found_video(reading)
            elif reading is not None:
                readings.append(reading)
        else:
            outcomes[delivery.pk] = _outcome_of_absent(delivery, is_missing=vod_id in missing)
            if vod_id in missing and removable(delivery):
                mirror.remove_videos([vod_id])
    mirror.apply(readings)
    return outcomes


def _read_one(
    facts: MediaFacts, row: Video | None, asked: ReadRequest
) -> tuple[mirror.Reading | None, Outcome]:
    """The reading of one video, None where there is none; and what became of its delivery."""
    reading: mirror.Reading | None = None
    refusals: tuple[CloudRejected, ...]
    try:
        try:
            reading = asking.fetch_reading(facts, row, asked)
            refusals = reading.refusals
        except CloudRejected as error:
            refusals = (error,)
        if refusals and not _is_gone(facts.vod_id, refusals[0]):
            return reading, _as_refused(refusals[0])
    except CloudUnavailable as error:
        return reading, Again(str(error), error.retry_after, error.throttled)
    return reading, Done()


def _outcome_of_absent(delivery: Delivery, *, is_missing: bool) -> Outcome:
    """What becomes of a delivery about a video that VOD tells nothing of."""
    if not is_missing:
        return NOT_UNDERSTOOD
    return STILL_GONE if _is_undeleting(delivery) else Done()


def _is_undeleting(delivery: Delivery) -> bool:
    """Whether an operator wants the video back, and is told where VOD does not have it."""
    return bool(delivery.payload.get("is_restoring"))


def _is_gone(vod_id: str, error: CloudRejected) -> bool:
    """Whether VOD deleted the video between two of our questions about it.

    Raises CloudUnavailable, CloudRejected.
    """
    return error.is_not_found and vod_id in asking.fetch_facts([vod_id])[1]


def _as_refused(error: CloudRejected) -> Refused:
    return Refused(error.code, str(error), error.request_id)
