"""The event inbox: callbacks are stored and answered at once, and processed later.

A stored event can be processed again at any time: it only makes us read VOD again.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import journal
from accounts.models import Operator
from shortvideo.cloud.events import Event
from shortvideo.cloud.urls import host_and_path, is_on_cdn, is_picture
from shortvideo.compiled import insert_row
from shortvideo.errors import InvalidState
from shortvideo.outbox import services as outbox
from shortvideo.outbox.models import Delivery
from videos.mirror.asking import ReadRequest
from videos.models import VodEvent
from videos.services.attention import close

KIND: Final = "process_event"
ID_LENGTH: Final = 64
MAX_REPORTED: Final = 200  # pictures of one job that an event reports


def _request_after_upload(event: VodEvent) -> ReadRequest:
    ended_at = min(event.event_time or event.received_at, event.received_at)
    return ReadRequest(upload=True, upload_reported_at=ended_at)


def _request_after_snapshots(event: VodEvent) -> ReadRequest:
    return ReadRequest(pictures=True, snapshots_failed=event.body.get("Status") == "fail")


def _request_after_machine_review(event: VodEvent) -> ReadRequest:
    job_id = event.body.get("JobId")
    return ReadRequest(machine=True, machine_job_id=job_id if isinstance(job_id, str) else "")


# What each type of event makes us read. Other types are stored and not processed.
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
    # VOD may have deleted only streams, or only the source.
    "DeleteMediaComplete": lambda _: ReadRequest(files=True, upload=True),
    "MediaBaseChangeComplete": lambda _: ReadRequest(),
}


def read_request_for(event: VodEvent) -> ReadRequest:
    return READ_REQUESTS[event.event_type](event)


def reported_pictures(event: VodEvent) -> list[str]:
    """`host/path` of the pictures that a SnapshotComplete reports.

    The body is not signed. So only pictures on the CDN whose path names the video count.
    """
    infos = event.body.get("SnapshotInfos") if event.event_type == "SnapshotComplete" else ()
    paths = chain.from_iterable(map(_pictures_in, infos if isinstance(infos, list) else ()))
    return [
        path for path in paths if is_picture(path) and is_on_cdn(path) and event.media_id in path
    ]


def _pictures_in(info: Any) -> Iterator[str]:
    """The pictures of one job: its URL has a place for the number, which has five digits."""
    if not isinstance(info, Mapping):
        return
    pattern, count = info.get("SnapshotRegular"), info.get("SnapshotCount")
    if isinstance(pattern, str) and isinstance(count, int):
        for number in range(1, min(count, MAX_REPORTED) + 1):
            yield host_and_path(pattern.replace("{SnapshotCount}", f"{number:05d}"))


def reports_deletion(event: VodEvent) -> bool:
    return event.event_type == "DeleteMediaComplete"


@transaction.atomic
def store_event(event: Event) -> VodEvent:
    """Store an event once, and have it processed if its type is known.

    URLs are stored without their query: a signature would open the file to every reader of the row.
    """
    is_known = event.type in READ_REQUESTS and _is_about_video(event.media_id, event.body)
    body = _strip_queries(event.body)
    row = VodEvent(
        dedupe_key=_dedupe_key(event, body),
        event_type=event.type[:ID_LENGTH],
        media_id=event.media_id[:ID_LENGTH],
        event_time=event.event_time,
        body=body,
        state=VodEvent.State.WAITING if is_known else VodEvent.State.UNKNOWN,
    )
    if not insert_row(row, unless_exists="dedupe_key"):
        return VodEvent.objects.get(dedupe_key=row.dedupe_key)
    if is_known:
        _process_later(row)
    return row


@transaction.atomic
def replay_event(
    event: VodEvent, *, operator: Operator | None = None, request_id: str = ""
) -> Delivery:
    """Have a stored event processed again, unless it still waits for that.

    Raises InvalidState if events of this type are not processed.
    """
    event = VodEvent.objects.select_for_update().get(pk=event.pk)
    check_replayable(event)
    if (waiting := event.deliveries.open().first()) is not None:
        return waiting
    close(event)
    event.state, event.error = VodEvent.State.WAITING, ""
    event.save(update_fields=["state", "error"])
    journal.log_action(operator, event, "replay", request_id=request_id)
    return _process_later(event)


def check_replayable(event: VodEvent) -> None:
    """Raise InvalidState if the event is not processed here.

    A type may have become known since the event came.
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
    """The same value with each URL cut before its query."""
    if isinstance(value, Mapping):
        return {key: _strip_queries(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_strip_queries(item) for item in value]
    is_url = isinstance(value, str) and value.lower().startswith(("http://", "https://"))
    return value.partition("?")[0] if is_url else value


def _dedupe_key(event: Event, content: Any) -> str:
    """The same key for repeated callbacks of one event, and only for those.

    VOD's events have no id, and their times are whole seconds: two decisions about a video in the
    same second differ only in the body.
    """
    body = json.dumps(content, sort_keys=True)
    return hashlib.sha256(f"{event.dedupe_key} {body}".encode()).hexdigest()


def _is_about_video(media_id: str, body: Any) -> bool:
    return 0 < len(media_id) <= ID_LENGTH and body.get("MediaType", "video") == "video"
