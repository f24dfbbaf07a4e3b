"""Finished videos from facts, without media: what tests and demonstrations start from."""

import json
import sqlite3
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from localvod import clock
from localvod.jobs import reviews, transcoding
from localvod.jobs.snapshots import COVER, NORMAL
from localvod.operations.parameters import Parameters
from localvod.settings import VERDICTS
from localvod.store import videos
from localvod.store.database import insert
from localvod.store.videos import READY, STAGE_STATUS, Video

if TYPE_CHECKING:
    from localvod.cloud import Cloud

STATUSES = ("Normal", "Checking", "Blocked", *STAGE_STATUS.values())
FACTS = frozenset(
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


def create_videos(cloud: "Cloud", facts: Sequence[object]) -> list[str]:
    """Create a video for each object of facts, all or none; returns their ids.

    Facts (all optional): id, title, description, tags (comma separated), cate_id, status,
    audit_status, size, duration, width, height, fps, bitrate, creation_time, modification_time,
    template_group_id, reference_id, file_name; `user_data` (JSON text or object) or `uploader`
    (the object that becomes UserData's Extend); `cover` (true, false or a URL), `snapshots` (how
    many, or a list of URLs), `files` (false, or true: the streams of the template group);
    `verdict` (runs a machine review), `fail_jobs` (true, "standard" or "narrowband");
    `announce` (true: FileUploadComplete is sent).
    """
    with cloud.database.write() as tx:
        return [_create(cloud, tx, item) for item in facts]


def _create(cloud: "Cloud", tx: sqlite3.Connection, facts: object) -> str:
    if not isinstance(facts, Mapping):
        raise SeedError("A video's facts must be a JSON object.")
    unknown = sorted(set(facts) - FACTS)
    if unknown:
        raise SeedError(f"There is no fact {unknown[0]!r}; there are {', '.join(sorted(FACTS))}.")
    video = _video(cloud, facts)
    if videos.stored_among(tx, [video.id]):
        raise SeedError(f"The video {video.id} exists already.")
    videos.add(tx, video)
    _add_images(cloud, tx, video)
    if facts.get("announce"):
        cloud.tell_upload(tx, video)
    if facts.get("files", video.stage == READY):
        _add_files(cloud, tx, video)
    if video.verdict:
        reviews.create(cloud, tx, video)
    return video.id


def keep(cloud: "Cloud", tx: sqlite3.Connection, video: Video) -> Video:
    """Store a computed video with what belongs to it, as if it had been seeded long ago."""
    videos.add(tx, video)
    _add_images(cloud, tx, video)
    if video.stage == READY:
        _add_files(cloud, tx, video)
    return video


def _video(cloud: "Cloud", facts: Mapping[str, Any]) -> Video:
    status, video_id = facts.get("status", "Normal"), facts.get("id") or uuid.uuid4().hex
    if status not in STATUSES:
        raise SeedError(f"status must be one of {', '.join(STATUSES)}, not {status!r}.")
    verdict = facts.get("verdict") or ""
    if verdict and verdict not in VERDICTS:
        raise SeedError(f"verdict must be one of {', '.join(VERDICTS)}, not {verdict!r}.")
    created = facts.get("creation_time") or clock.now_text()
    group = facts.get("template_group_id") or cloud.settings.standard_group
    if group not in cloud.groups:
        raise SeedError(f"There is no template group {group!r}.")
    return Video(
        id=video_id,
        title=facts.get("title", f"Clip {video_id[:6]}"),
        description=facts.get("description", ""),
        tags=facts.get("tags", ""),
        cate_id=facts.get("cate_id"),
        status=status,
        stage={name: stage for stage, name in STAGE_STATUS.items()}.get(status, READY),
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
    is_wanted = value is not False
    return f"{video_id}/snapshots/seeded/{COVER.lower()}-00001.jpg" if is_wanted else ""


def _snapshots(video_id: str, value: int | Sequence[str]) -> tuple[str, ...]:
    if not isinstance(value, int):
        return tuple(value)
    name = f"{video_id}/snapshots/seeded/{NORMAL.lower()}"
    return tuple(f"{name}-{number:05d}.jpg" for number in range(1, value + 1))


def _fail_jobs(value: object) -> str:
    if value not in (None, False, True, "standard", "narrowband"):
        raise SeedError('fail_jobs must be true, false, "standard" or "narrowband".')
    return "all" if value is True else str(value or "")


def _add_images(cloud: "Cloud", tx: sqlite3.Connection, video: Video) -> None:
    """The snapshots of the upload, as a finished job of their own."""
    covers = [key for key in [cloud.urls.key_of(video.cover_url)] if key]
    snapshots = [key for key in map(cloud.urls.key_of, video.snapshots) if key]
    for key in covers + snapshots:
        insert(tx, "objects", {"object_key": key, "video_id": video.id, "kind": "image"})
    if covers or snapshots:
        job = {
            "id": uuid.uuid4().hex,
            "video_id": video.id,
            "is_specified": 0,
            "status": "success",
            "results": json.dumps({COVER: covers, NORMAL: snapshots}),
            "creation_time": video.creation_time,
        }
        insert(tx, "snapshot_jobs", job)


def _add_files(cloud: "Cloud", tx: sqlite3.Connection, video: Video) -> None:
    """The streams of the upload's automatic task; nothing is told of them."""
    task = {
        "id": uuid.uuid4().hex,
        "video_id": video.id,
        "trigger": transcoding.AUTO,
        "template_group_id": video.template_group_id,
        "status": "CompleteAllSucc",
        "creation_time": video.creation_time,
        "complete_time": video.creation_time,
        "source_version": video.source_version,
    }
    insert(tx, "transcode_tasks", task)
    for template in cloud.groups[video.template_group_id].templates:
        transcoding.add_finished_job(tx, str(task["id"]), video, template)
