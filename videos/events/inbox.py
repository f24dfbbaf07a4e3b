"""The event inbox: callbacks are kept as they came, answered at once, and worked off later.

What was kept can be worked off again at any time: an event only makes us read VOD once more.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import journal
from accounts.models import Operator
from shortvideo.cloud.events import Event
from shortvideo.errors import InvalidState
from shortvideo.outbox import services as outbox
from shortvideo.outbox.models import Delivery
from videos.mirror.asking import ReadRequest
from videos.models import VodEvent
from videos.services.attention import close

KIND: Final = "process_event"
ID_LENGTH: Final = 64


def _request_after_upload(event: VodEvent) -> ReadRequest:
    told = min(event.event_time or event.received_at, event.received_at)
    return ReadRequest(upload=True, upload_reported_at=told)


def _request_after_snapshots(event: VodEvent) -> ReadRequest:
    return ReadRequest(snapshots_failed=event.body.get("Status") == "fail")


def _request_after_machine_review(event: VodEvent) -> ReadRequest:
    job_id = event.body.get("JobId")
    return ReadRequest(
        machine=True,
        machine_job_id=job_id if isinstance(job_id, str) else "",
    )


# What each kind of event makes us ask. All others are kept and left alone.
READ_REQUESTS: Final[dict[str, Callable[[VodEvent], ReadRequest]]] = {
    "FileUploadComplete": _request_after_upload,
    "UploadByURLComplete": lambda _: ReadRequest(upload=True),
    "VideoAnalysisComplete": lambda _: ReadRequest(),
    "SnapshotComplete": _request_after_snapshots,
    "StreamTranscodeComplete": lambda _: ReadRequest(jobs=True),
    "TranscodeComplete": lambda _: ReadRequest(jobs=True, files=True, source=True),
    "AIMediaAuditComplete": _request_after_machine_review,
    "AIVideoCensorComplete": _request_after_machine_review,
    "CreateAuditComplete": lambda _: ReadRequest(audits=True, source=True),
    "DeleteMediaComplete": lambda _: ReadRequest(),
    "MediaBaseChangeComplete": lambda _: ReadRequest(),
}


def read_request_for(event: VodEvent) -> ReadRequest:
    return READ_REQUESTS[event.event_type](event)


def reports_deletion(event: VodEvent) -> bool:
    return event.event_type == "DeleteMediaComplete"


@transaction.atomic
def store_event(event: Event) -> VodEvent:
    """Keep an event, and have it processed if it is known here; repeated ones are kept once.

    Its URLs are kept without what signs them: the rest of one opens a file to whoever reads it.
    """
    is_known = event.type in READ_REQUESTS and _is_about_video(event.media_id, event.body)
    body = _strip_queries(event.body)
    row, is_new = VodEvent.objects.get_or_create(
        dedupe_key=_dedupe_key(event, body),
        defaults={
            "event_type": event.type[:ID_LENGTH],
            "media_id": event.media_id[:ID_LENGTH],
            "event_time": event.event_time,
            "body": body,
            "state": VodEvent.State.WAITING if is_known else VodEvent.State.UNKNOWN,
        },
    )
    if is_new and is_known:
        _process_later(row)
    return row


@transaction.atomic
def replay_event(
    event: VodEvent, *, operator: Operator | None = None, request_id: str = ""
) -> Delivery:
    """Have a stored event processed once more; one that waits to be is left to that.

    Raises InvalidState for an event that means nothing here.
    """
    event = VodEvent.objects.select_for_update().get(pk=event.pk)
    check_replayable(event)
    waiting = event.deliveries.open().first()
    if waiting is not None:
        return waiting
    close(event)
    event.state, event.error = VodEvent.State.WAITING, ""
    event.save(update_fields=["state", "error"])
    journal.log_action(operator, event, "replay", request_id=request_id)
    return _process_later(event)


def check_replayable(event: VodEvent) -> None:
    """Raise InvalidState if nothing follows from the event.

    A type that was unknown when the event came may be known by now.
    """
    if event.event_type not in READ_REQUESTS:
        known = ", ".join(sorted(READ_REQUESTS))
        text = _("Events of type %(type)s are not processed. Processed types: %(known)s.")
        raise InvalidState(text % {"type": event.event_type, "known": known})
    if not _is_about_video(event.media_id, event.body):
        raise InvalidState(_("The event is not about a video."))


def _process_later(event: VodEvent) -> Delivery:
    return outbox.send(KIND, subject=event.media_id, payload={"event": event.pk})


def _strip_queries(value: Any) -> Any:
    """The same, with each URL cut before its query."""
    if isinstance(value, Mapping):
        return {key: _strip_queries(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_strip_queries(item) for item in value]
    is_url = isinstance(value, str) and value.lower().startswith(("http://", "https://"))
    return value.partition("?")[0] if is_url else value


def _dedupe_key(event: Event, content: Any) -> str:
    """The same for repeated deliveries of one event only.

    VOD gives events no id, and its times are whole seconds: two decisions about a video within one
    differ in the body alone.
    """
    body = json.dumps(content, sort_keys=True)
    return hashlib.sha256(f"{event.dedupe_key} {body}".encode()).hexdigest()


def _is_about_video(media_id: str, body: Any) -> bool:
    return 0 < len(media_id) <= ID_LENGTH and body.get("MediaType", "video") == "video"
