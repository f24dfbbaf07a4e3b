"""Seeded videos: finished videos from facts, without media, for tests and demonstrations."""

import json
import sqlite3
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from localvod import clock
from localvod.cloud import Cloud
from localvod.jobs.reviews import create_review_job
from localvod.numbers import number, whole_number
from localvod.operations.parameters import Parameters
from localvod.settings import VERDICTS
from localvod.store.media_rows import (
    COVER,
    NORMAL,
    insert_computed_images,
    insert_computed_streams,
)
from localvod.store.videos import READY, STAGE_STATUS, Video, insert_video, known_ids, stage_of

_LIMITS = {
    "size": 2**53,
    "duration": 10_000_000,  # seconds
    "width": 100_000,
    "height": 100_000,
    "fps": 1_000,
    "bitrate": 10_000_000,  # kbit/s
}
_MOST_SNAPSHOTS = 10_000
_STATUSES = ("Normal", "Checking", "Blocked", *STAGE_STATUS.values())
_FACTS = frozenset(
    [
        "id",
        "title",
        "description",
        "tags",
        "cate_id",
        "status",
        "audit_status",
        "size",
        "duration",
        "width",
        "height",
        "fps",
        "bitrate",
        "creation_time",
        "modification_time",
        "template_group_id",
        "reference_id",
        "user_data",
        "uploader",
        "file_name",
        "cover",
        "snapshots",
        "files",
        "verdict",
        "fail_jobs",
        "announce",
    ]
)


class SeedError(ValueError):
    """Facts that make no video; the message is one clear sentence."""


def create_videos(cloud: Cloud, facts: Sequence[object]) -> list[str]:
    """Create a video for each object of facts, all or none; returns their ids.

    Facts (all optional): id, title, description, tags (comma separated), cate_id, status,
    audit_status, size, duration, width, height, fps, bitrate, creation_time, modification_time,
    template_group_id, reference_id, file_name; `user_data` (JSON text or object) or `uploader`
    (the object that becomes UserData's Extend); `cover` (true, false or a URL), `snapshots` (how
    many, or a list of URLs), `files` (true: with the streams of the template group; default: if
    the video is ready); `verdict` (runs a machine review), `fail_jobs` (true, "standard" or
    "narrowband"); `announce` (true: FileUploadComplete is sent).
    """
    with cloud.database.transaction() as tx:
        return [_create_video(cloud, tx, item) for item in facts]


def _create_video(cloud: Cloud, tx: sqlite3.Connection, facts: object) -> str:
    if not isinstance(facts, Mapping):
        raise SeedError("A video's facts must be a JSON object.")
    unknown = sorted(set(facts) - _FACTS)
    if unknown:
        raise SeedError(f"There is no fact {unknown[0]!r}; there are {', '.join(sorted(_FACTS))}.")
    video = _video_from(cloud, facts)
    if known_ids(tx, [video.id]):
        raise SeedError(f"The video {video.id} exists already.")
    insert_video(tx, video)
    insert_computed_images(tx, video, cloud.urls)
    if facts.get("announce"):
        cloud.emit_upload(tx, video)
    if facts.get("files", video.stage == READY):
        insert_computed_streams(
            tx, video, cloud.groups[video.template_group_id].templates_for(video.tag_list)
        )
    if video.verdict:
        create_review_job(cloud, tx, video)
    return video.id


def _video_from(cloud: Cloud, facts: Mapping[str, Any]) -> Video:
    status, video_id = facts.get("status", "Normal"), facts.get("id") or uuid.uuid4().hex
    if status not in _STATUSES:
        raise SeedError(f"status must be one of {', '.join(_STATUSES)}, not {status!r}.")
    verdict = facts.get("verdict") or ""
    if verdict and verdict not in VERDICTS:
        raise SeedError(f"verdict must be one of {', '.join(VERDICTS)}, not {verdict!r}.")
    created = facts.get("creation_time") or clock.now_text()
    group = facts.get("template_group_id") or cloud.settings.standard_group
    if group not in cloud.groups:
        raise SeedError(f"There is no template group {group!r}.")
    for name, most in _LIMITS.items():
        check = number if name in ("duration", "fps") else whole_number
        check(name, facts.get(name, 0), 0, most)
    if facts.get("cate_id") is not None:
        whole_number("cate_id", facts["cate_id"], 1, 2**53)
    return Video(
        id=video_id,
        title=facts.get("title", f"Clip {video_id[:6]}"),
        description=facts.get("description", ""),
        tags=facts.get("tags", ""),
        cate_id=facts.get("cate_id"),
        status=status,
        stage=stage_of(status),
        audit_status=facts.get("audit_status", "Blocked" if status == "Blocked" else None),
        size=facts.get("size", 1_500_000),
        duration=facts.get("duration", 12.5),
        width=facts.get("width", 540),
        height=facts.get("height", 960),
        fps=facts.get("fps", 30.0),
        bitrate=facts.get("bitrate", 960),
        creation_time=created,
        modification_time=facts.get("modification_time") or created,
        template_group_id=group,
        reference_id=facts.get("reference_id"),
        user_data=_user_data(facts),
        file_name=facts.get("file_name", "clip.mp4"),
        is_ingested=1,
        cover_url=_cover(video_id, facts.get("cover")),
        snapshots=_snapshots(video_id, facts.get("snapshots", 8)),
        verdict=verdict,
        fail_jobs=_fail_jobs(facts.get("fail_jobs")),
    )


def _user_data(facts: Mapping[str, Any]) -> str:
    if "uploader" in facts:
        return json.dumps({"Extend": facts["uploader"]}, ensure_ascii=False)
    value = facts.get("user_data", "")
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return Parameters({"UserData": text}).user_data()


def _cover(video_id: str, value: object) -> str:
    if isinstance(value, str):
        return value
    return "" if value is False else f"{video_id}/snapshots/seeded/{COVER.lower()}-00001.jpg"


def _snapshots(video_id: str, value: object) -> tuple[str, ...]:
    if isinstance(value, list) and all(isinstance(url, str) for url in value):
        return tuple(value)
    count = whole_number("snapshots", value, 0, _MOST_SNAPSHOTS)
    name = f"{video_id}/snapshots/seeded/{NORMAL.lower()}"
    return tuple(f"{name}-{index:05d}.jpg" for index in range(1, count + 1))


def _fail_jobs(value: object) -> str:
    if value not in (None, False, True, "standard", "narrowband"):
        raise SeedError('fail_jobs must be true, false, "standard" or "narrowband".')
    return "all" if value is True else str(value or "")
