"""The event inbox: callbacks are kept as they came, answered at once, and worked off later.

What was kept can be worked off again at any time: an event only makes us read VOD once more.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from django.db import transaction

from accounts import journal
from accounts.models import Operator
from shortvideo.cloud.events import Event
from shortvideo.errors import InvalidState
from shortvideo.outbox import services as outbox
from shortvideo.outbox.models import Delivery, DeliveryQuerySet, DeliveryState
from videos.mirror.asking import Questions
from videos.models import VodEvent

KIND: Final = "process_event"
ID_LENGTH: Final = 64


def of_upload(event: VodEvent) -> Questions:
    told = min(event.event_time or event.received_at, event.received_at)
    return Questions(upload=True, upload_told_at=told)


def of_snapshots(event: VodEvent) -> Questions:
    return Questions(snapshots_failed=event.body.get("Status") == "fail")


def of_machine(event: VodEvent) -> Questions:
    job_id = event.body.get("JobId")
    return Questions(
        machine=True,
        machine_job_id=job_id if isinstance(job_id, str) else "",
    )


# What each kind of event makes us ask. All others are kept and left alone.
QUESTIONS: Final[dict[str, Callable[[VodEvent], Questions]]] = {
    "FileUploadComplete": of_upload,
    "UploadByURLComplete": lambda _: Questions(upload=True),
    "VideoAnalysisComplete": lambda _: Questions(),
    "SnapshotComplete": of_snapshots,
    "StreamTranscodeComplete": lambda _: Questions(jobs=True),
    "TranscodeComplete": lambda _: Questions(jobs=True, files=True, source=True),
    "AIMediaAuditComplete": of_machine,
    "AIVideoCensorComplete": of_machine,
    "CreateAuditComplete": lambda _: Questions(audits=True, source=True),
    "DeleteMediaComplete": lambda _: Questions(),
    "MediaBaseChangeComplete": lambda _: Questions(),
}


def questions_of(event: VodEvent) -> Questions:
    return QUESTIONS[event.event_type](event)


def tells_of_deletion(event: VodEvent) -> bool:
    return event.event_type == "DeleteMediaComplete"


@transaction.atomic
def receive(event: Event) -> VodEvent:
    """Keep an event, and have it processed if it is known here; repeated ones are kept once.

    Its URLs are kept without what signs them: the rest of one opens a file to whoever reads it.
    """
    is_known = event.type in QUESTIONS and is_video(event.media_id, event.body)
    body = without_queries(event.body)
    row, is_new = VodEvent.objects.get_or_create(
        dedupe_key=identity_of(event, body),
        defaults={
            "event_type": event.type[:ID_LENGTH],
            "media_id": event.media_id[:ID_LENGTH],
            "event_time": event.event_time,
            "body": body,
            "state": VodEvent.State.WAITING if is_known else VodEvent.State.UNKNOWN,
        },
    )
    if is_new and is_known:
        process_later(row)
    return row


@transaction.atomic
def replay_event(
    event: VodEvent, *, operator: Operator | None = None, request_id: str = ""
) -> Delivery:
    """Have a stored event processed once more; one that waits to be is left to that.

    Raises InvalidState for an event that means nothing here.
    """
    event = VodEvent.objects.select_for_update().get(pk=event.pk)
    if refusal := why_not_replayed(event):
        raise InvalidState(refusal)
    earlier = deliveries_of(event)
    waiting = earlier.open().first()
    if waiting is not None:
        return waiting
    dismiss_given_up(event)
    event.state, event.error, event.attention_at = VodEvent.State.WAITING, "", None
    event.save(update_fields=["state", "error", "attention_at"])
    journal.record(operator, event, "replay", request_id=request_id)
    return process_later(event)


def why_not_replayed(event: VodEvent) -> str:
    """One sentence for an event that means nothing here, "" for any other.

    An event of a type that was not known when it came may be known by now.
    """
    if event.event_type not in QUESTIONS:
        known = ", ".join(sorted(QUESTIONS))
        return f"Events of the type {event.event_type} are only kept; processed are {known}."
    if not is_video(event.media_id, event.body):
        return "It is about no video: it is only kept."
    return ""


@transaction.atomic
def dismiss_event(
    event: VodEvent, *, operator: Operator | None = None, request_id: str = ""
) -> None:
    """Take a failed event out of the desk's inbox. InvalidState where it is not there."""
    event = VodEvent.objects.select_for_update().get(pk=event.pk)
    if event.attention_at is None:
        raise InvalidState("Nobody is asked to look at this event.")
    event.attention_at = None
    event.save(update_fields=["attention_at"])
    dismiss_given_up(event)
    journal.record(operator, event, "dismiss", request_id=request_id)


def process_later(event: VodEvent) -> Delivery:
    return outbox.send(KIND, subject=event.media_id, payload={"event": event.pk})


def deliveries_of(event: VodEvent) -> DeliveryQuerySet:
    of_video: DeliveryQuerySet = Delivery.objects.for_subject(event.media_id)
    return of_video.filter(kind=KIND, payload__event=event.pk)


def dismiss_given_up(event: VodEvent) -> None:
    for delivery in deliveries_of(event).filter(state=DeliveryState.GIVEN_UP):
        outbox.dismiss(delivery)


def without_queries(value: Any) -> Any:
    """The same, with each URL cut before its query."""
    if isinstance(value, Mapping):
        return {key: without_queries(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_queries(item) for item in value]
    is_url = isinstance(value, str) and value.lower().startswith(("http://", "https://"))
    return value.partition("?")[0] if is_url else value


def identity_of(event: Event, content: Any) -> str:
    """The same for repeated deliveries of one event only.

    VOD gives events no id, and its times are whole seconds: two decisions about a video within one
    differ in the body alone.
    """
    body = json.dumps(content, sort_keys=True)
    return hashlib.sha256(f"{event.dedupe_key} {body}".encode()).hexdigest()


def is_video(media_id: str, body: Any) -> bool:
    return 0 < len(media_id) <= ID_LENGTH and body.get("MediaType", "video") == "video"
