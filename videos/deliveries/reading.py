"""process_event, read_video, reread_video: VOD is asked again, the mirror writes what it says."""

from collections.abc import Callable, Mapping, Sequence

from django.utils import timezone

from shortvideo.cloud import CloudRejected, CloudUnavailable
from shortvideo.cloud.types import MediaFacts
from shortvideo.outbox.handlers import Again, Done, Handler, Outcome, Refused
from shortvideo.outbox.models import Delivery, DeliveryState
from videos import mirror
from videos.events.inbox import questions_of, tells_of_deletion
from videos.mirror import asking
from videos.mirror.asking import EVERYTHING, Questions
from videos.models import Video, VodEvent

# VOD has answered, and not about this video. It may do so the next time, but not for ever.
NOT_UNDERSTOOD = Again("VOD's answer about this video is not understood.", is_fault=True)
STILL_GONE = Refused("StillGone", "VOD still does not have this video: it stays deleted.")


class ProcessEventHandler(Handler):
    """An event causes a reading; its body is not signed, and so not believed."""

    kind = "process_event"
    batch_size = asking.BATCH

    def deliver(self, batch: Sequence[Delivery]) -> Mapping[int, Outcome]:
        events = VodEvent.objects.in_bulk([delivery.payload["event"] for delivery in batch])
        by_delivery = {delivery.pk: events[delivery.payload["event"]] for delivery in batch}
        return read_batch(
            batch,
            lambda delivery: questions_of(by_delivery[delivery.pk]),
            removable=lambda delivery: tells_of_deletion(by_delivery[delivery.pk]),
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
    batch_size = asking.BATCH

    def deliver(self, batch: Sequence[Delivery]) -> Mapping[int, Outcome]:
        return read_batch(batch, lambda _: EVERYTHING, removable=lambda _: False)


class RereadVideoHandler(ReadVideoHandler):
    """The same, for what has to wait: for a time to pass, or for another delivery.

    Deliveries of one kind and subject keep their order, so a reading that waits would hold up
    those that are wanted now. Between the two kinds no order is needed: the mirror never goes back.
    """

    kind = "reread_video"


def read_batch(
    batch: Sequence[Delivery],
    asked: Callable[[Delivery], Questions],
    *,
    removable: Callable[[Delivery], bool],
) -> dict[int, Outcome]:
    """Read the videos of a batch and apply them; what VOD refuses about one stops no other.

    A video that VOD does not have needs no reading: its deliveries are done. Once VOD asks us to
    slow down, the rest of the batch is not asked about.

    Raises CloudUnavailable, CloudRejected when the facts themselves could not be read.
    """
    facts, missing = asking.read_facts(delivery.subject for delivery in batch)
    rows = asking.rows_of(facts.values())
    readings: list[mirror.Reading] = []
    outcomes: dict[int, Outcome] = {}
    throttled: Again | None = None
    for delivery in batch:
        vod_id = delivery.subject
        if throttled is not None:
            outcomes[delivery.pk] = throttled
        elif vod_id in facts:
            reading, outcome = read_one(facts[vod_id], rows.get(vod_id), asked(delivery))
            outcomes[delivery.pk] = outcome
            throttled = outcome if isinstance(outcome, Again) and outcome.throttled else None
            if reading is not None and is_restoring(delivery) and not reading.refusals:
                mirror.restore(reading)
            elif reading is not None:
                readings.append(reading)
        else:
            outcomes[delivery.pk] = outcome_of_absent(delivery, is_missing=vod_id in missing)
            if vod_id in missing and removable(delivery):
                mirror.remove([vod_id])
    mirror.apply(readings)
    return outcomes


def read_one(
    facts: MediaFacts, row: Video | None, asked: Questions
) -> tuple[mirror.Reading | None, Outcome]:
    """The reading of one video, None where there is none; and what became of its delivery."""
    reading: mirror.Reading | None = None
    refusals: tuple[CloudRejected, ...]
    try:
        try:
            reading = asking.read(facts, row, asked)
            refusals = reading.refusals
        except CloudRejected as error:
            refusals = (error,)
        if refusals and not is_gone(facts.vod_id, refusals[0]):
            return reading, as_refused(refusals[0])
    except CloudUnavailable as error:
        return reading, Again(str(error), error.retry_after, error.throttled)
    return reading, Done()


def outcome_of_absent(delivery: Delivery, *, is_missing: bool) -> Outcome:
    """What becomes of a delivery about a video that VOD tells nothing of."""
    if not is_missing:
        return NOT_UNDERSTOOD
    return STILL_GONE if is_restoring(delivery) else Done()


def is_restoring(delivery: Delivery) -> bool:
    """Whether an operator wants the video back, and is told where VOD does not have it."""
    return bool(delivery.payload.get("is_restoring"))


def is_gone(vod_id: str, error: CloudRejected) -> bool:
    """Whether VOD deleted the video between two of our questions about it.

    Raises CloudUnavailable, CloudRejected.
    """
    return error.is_not_found and vod_id in asking.read_facts([vod_id])[1]


def as_refused(error: CloudRejected) -> Refused:
    return Refused(error.code, str(error), error.request_id)
