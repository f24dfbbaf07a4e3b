"""Rows for tests. Every argument has a default that works."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.models import Group

from accounts.models import Operator, Uploader
from recommendations.models import Recommendation
from shortvideo.text import folded
from videos.models import CensorStatus, Video

PASSWORD = "correct horse battery staple"
_numbers = itertools.count(1)


def make_operator(role: str = "operator", **values: Any) -> Operator:
    """Create an active staff member with this role ("" for none)."""
    number = next(_numbers)
    password = values.pop("password", PASSWORD)
    operator = Operator(username=f"{role or 'no-role'}-{number}", is_staff=True)
    for name, value in values.items():
        setattr(operator, name, value)
    operator.set_password(password)
    operator.save()
    if role:
        operator.groups.add(Group.objects.get(name=role))
    return operator


def make_uploader(**values: Any) -> Uploader:
    number = next(_numbers)
    return Uploader.objects.create(
        **{
            "user_id": f"user-{number}",
            "user_name": f"User {number}",
            "avatar_url": f"https://media.example.com/avatars/{number}.png",
            **values,
        }
    )


def make_video(*, recommended: bool = False, **values: Any) -> Video:
    """Create a video that passed review, with files and snapshots; `recommended` lists it."""
    number = next(_numbers)
    vod_id = values.pop("vod_id", f"vod{number:029d}")
    title = values.pop("title", f"Clip {number}")
    host = "media.example.com"
    video = Video.objects.create(
        vod_id=vod_id,
        title=title,
        title_search=folded(title),
        **{
            "duration": 12.4,
            "size": 1_234_567,
            "creation_time": datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number),
            "status": "Normal",
            "censor_status": CensorStatus.SUCCESS,
            "transcode_status": "success",
            "snapshot_status": "success",
            "cover": f"{host}/{vod_id}/cover.jpg",
            "first_frame": f"{host}/{vod_id}/first.jpg",
            "source_path": f"{host}/{vod_id}/source.mp4",
            "snapshots": [f"{host}/{vod_id}/{index:05d}.jpg" for index in range(1, 4)],
            "files": [make_file(f"{host}/{vod_id}/sd.mp4")],
            "files_read_at": datetime(2026, 1, 2, tzinfo=UTC),
            "uploader": values.pop("uploader", None) or make_uploader(),
            **values,
        },
    )
    if recommended:
        make_recommendation(video)
    return video


def make_file(path: str, **values: Any) -> dict[str, Any]:
    """Return one item of `Video.files`."""
    return {
        "path": path,
        "definition": "SD",
        "format": "mp4",
        "width": 540,
        "height": 960,
        "bitrate": 900.0,
        "fps": 25.0,
        "size": 1_000_000,
        "duration": 12.4,
        "codec": "h264",
        "is_narrowband": False,
        "job_id": "",
        **values,
    }


def make_recommendation(video: Video | None = None, **values: Any) -> Recommendation:
    return Recommendation.objects.create(video=video or make_video(), **values)
