"""Facts as VOD answers them, and localvod's events put into the inbox."""

import itertools
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from shortvideo.cloud.events import parse_event
from shortvideo.cloud.types import (
    AuditEntry,
    Hit,
    MachineResult,
    MediaFacts,
    MediaPath,
    UserData,
)
from shortvideo.outbox.worker import work_until_idle
from tests.support.localvod import LocalVod
from videos.events import inbox
from videos.models import Video

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
_numbers = itertools.count(1)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def make_facts(vod_id: str = "", *, read: float = 60, **values: Any) -> MediaFacts:
    """Return facts of a video that waits for review in VOD; `read` is in seconds after noon."""
    return MediaFacts(
        **{
            "vod_id": vod_id or f"clip{next(_numbers):028d}",
            "read_at": after(read),
            "origin": "info",
            "title": "Noodles",
            "description": "",
            "tags": "food,street",
            "cate_id": 7,
            "cate_name": "Daily life",
            "cover": MediaPath("media.example.com/cover.jpg"),
            "status": "Checking",
            "size": 1_000,
            "duration": 12.5,
            "creation_time": NOON,
            "modification_time": after(5),
            "template_group_id": "standard-template-group",
            "user_data": uploaded_by("u-1", "Mei"),
            "snapshots": (
                MediaPath("media.example.com/1.jpg"),
                MediaPath("media.example.com/2.jpg"),
            ),
            **values,
        }
    )


def uploaded_by(user_id: str, name: str = "", avatar: str = "") -> UserData:
    return UserData({"userId": user_id, "userName": name, "avatarUrl": avatar})


def verdict(suggestion: str, *labels: str, **values: Any) -> MachineResult:
    hits = tuple(Hit(label, 90.0, 1_000, "porn") for label in labels)
    return MachineResult(
        suggestion, labels=labels, hits=hits, raw={"Suggestion": suggestion, **values}
    )


def audit(status: str, at: datetime, *, comment: str = "", auditor: str = "Wang") -> AuditEntry:
    return AuditEntry(created_at=at, status=status, reason="seen", comment=comment, auditor=auditor)


def video_of(facts: MediaFacts) -> Video:
    return Video.objects.get(vod_id=facts.vod_id)


def state_of(video: Video) -> dict[str, Any]:
    """Return every column of the row, to compare before and after."""
    return dict(Video.objects.filter(pk=video.pk).values().get())


def receive(vod: LocalVod, *kinds: str, vod_id: str = "") -> int:
    """Put localvod's events (of these kinds, or all) into the inbox. Returns their number."""
    events = [
        event["body"]
        for event in vod.events(vod_id)
        if not kinds or event["body"]["EventType"] in kinds
    ]
    return receive_bodies(events)


def receive_bodies(bodies: Iterable[Any]) -> int:
    rows = [inbox.store_event(parse_event(as_bytes(body))) for body in bodies]
    return len(rows)


def as_bytes(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


def follow(vod: LocalVod, *kinds: str, vod_id: str = "") -> None:
    """Receive localvod's events and work until the outbox is idle."""
    vod.idle()
    receive(vod, *kinds, vod_id=vod_id)
    work_until_idle(20)
