"""The event inbox: callbacks are kept as they came, answered at once, and worked off later."""

import hashlib
import json
from collections.abc import Callable
from typing import Any, Final

from django.db import transaction

from shortvideo.cloud.events import Event
from shortvideo.outbox import services as outbox
from videos.models import VodEvent
from videos.reader import Questions

ID_LENGTH: Final = 64


def of_upload(event: VodEvent) -> Questions:
    told = min(event.event_time or event.received_at, event.received_at)
    return Questions(source=True, source_uploaded_at=told)


def of_snapshots(event: VodEvent) -> Questions:
    return Questions(snapshots_failed=event.body.get("Status") == "fail")


def of_machine(event: VodEvent) -> Questions:
    job_id = event.body.get("JobId")
    return Questions(
        machine=True,
        machine_job_id=job_id if isinstance(job_id, str) else "",
        machine_at=event.event_time,
    )


# What each kind of event makes us ask. All others are kept and left alone.
QUESTIONS: Final[dict[str, Callable[[VodEvent], Questions]]] = {
    "FileUploadComplete": of_upload,
    "UploadByURLComplete": lambda _: Questions(source=True),
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
    """Keep an event, and have it processed if it is known here; repeated ones are kept once."""
    is_known = event.type in QUESTIONS and is_video(event)
    row, is_new = VodEvent.objects.get_or_create(
        dedupe_key=identity_of(event),
        defaults={
            "event_type": event.type[:ID_LENGTH],
            "media_id": event.media_id[:ID_LENGTH],
            "event_time": event.event_time,
            "body": dict(event.body),
            "state": VodEvent.State.WAITING if is_known else VodEvent.State.UNKNOWN,
        },
    )
    if is_new and is_known:
        outbox.send("process_event", subject=row.media_id, payload={"event": row.pk})
    return row


def identity_of(event: Event) -> str:
    """The same for repeated deliveries of one event only.

    VOD gives events no id, and its times are whole seconds: two decisions about a video within one
    differ in the body alone.
    """
    body = json.dumps(event.body, sort_keys=True)
    return hashlib.sha256(f"{event.dedupe_key} {body}".encode()).hexdigest()


def is_video(event: Event) -> bool:
    media_type: Any = event.body.get("MediaType", "video")
    return 0 < len(event.media_id) <= ID_LENGTH and media_type == "video"
