"""Snapshots: those made on upload, and those of SubmitSnapshotJob."""

import json
import shutil
import sqlite3
import threading
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localvod import clock
from localvod.events import extend_of
from localvod.media import snapshots as media
from localvod.media.ffmpeg import MediaError
from localvod.store import Row
from localvod.store.database import insert, update
from localvod.store.videos import Video

if TYPE_CHECKING:
    from localvod.cloud import Cloud

COVER, NORMAL, SPRITE = "CoverSnapshot", "NormalSnapshot", "SpriteSnapshot"
ON_UPLOAD = 8
Results = dict[str, list[str]]


def create(
    cloud: "Cloud",
    tx: sqlite3.Connection,
    video: Video,
    *,
    is_specified: bool,
    user_data: str = "",
    parameters: Mapping[str, Any] | None = None,
) -> str:
    """Queue a snapshot job; that of a video without media ends at once. Returns its id."""
    job_id = uuid.uuid4().hex
    job = {
        "id": job_id,
        "video_id": video.id,
        "is_specified": int(is_specified),
        "parameters": json.dumps(parameters or {}),
        "user_data": user_data,
        "status": "processing",
        "creation_time": clock.now_text(),
    }
    insert(tx, "snapshot_jobs", job)
    if video.source_key:
        cloud.jobs.mark()
    else:
        _finish(cloud, tx, job_id, _computed(video, job_id, dict(parameters or {})), None)
    return job_id


def _computed(video: Video, job_id: str, parameters: Mapping[str, Any]) -> Results:
    offsets = parameters.get("offsets_ms")
    count = len(offsets) if offsets else int(parameters.get("count", ON_UPLOAD))
    return {NORMAL: [_key(video.id, job_id, NORMAL, number) for number in range(1, count + 1)]}


def _key(video_id: str, job_id: str, kind: str, number: int) -> str:
    return f"{video_id}/snapshots/{job_id}/{kind.lower()}-{number:05d}.jpg"


def run(cloud: "Cloud", job_id: str, cancelled: threading.Event) -> None:
    """Take the snapshots of one job."""
    connection = cloud.database.read()
    job = connection.execute("SELECT * FROM snapshot_jobs WHERE id = ?", (job_id,)).fetchone()
    video = cloud.find_video(connection, job["video_id"]) if job is not None else None
    if job is None or video is None:
        return
    results: Results = {}
    error: MediaError | None = None
    try:
        results = _take(cloud, job, video)
    except MediaError as failure:
        error = failure
    except OSError as failure:
        error = MediaError("InternalError", f"The snapshots cannot be written: {failure}.")
    if not cancelled.is_set():
        with cloud.database.write() as tx:
            _finish(cloud, tx, job_id, results, error)


def _take(cloud: "Cloud", job: Row, video: Video) -> Results:
    root = cloud.settings.media_root
    source, work = root / video.source_key, root / video.id / "snapshots" / f".{job['id']}"
    work.mkdir(parents=True, exist_ok=True)
    try:
        taken = _specified(source, work, job) if job["is_specified"] else _on_upload(source, work)
        return {
            kind: [
                _put(root, path, _key(video.id, job["id"], kind, number))
                for number, path in enumerate(paths, start=1)
            ]
            for kind, paths in taken.items()
        }
    finally:
        shutil.rmtree(work)


def _put(root: Path, path: Path, key: str) -> str:
    target = root / key
    target.parent.mkdir(parents=True, exist_ok=True)
    path.replace(target)
    return key


def _on_upload(source: Path, work: Path) -> dict[str, Sequence[Path]]:
    return {
        COVER: [media.cover(source, work), media.first_frame(source, work)],
        NORMAL: media.snapshots(source, work, ON_UPLOAD),
        SPRITE: [media.sprite(source, work)],
    }


def _specified(source: Path, work: Path, job: Row) -> dict[str, Sequence[Path]]:
    parameters = json.loads(job["parameters"])
    return {NORMAL: media.snapshots(source, work, **parameters)}


def _finish(
    cloud: "Cloud",
    tx: sqlite3.Connection,
    job_id: str,
    results: Results,
    error: MediaError | None,
) -> None:
    job = tx.execute("SELECT * FROM snapshot_jobs WHERE id = ?", (job_id,)).fetchone()
    video = cloud.find_video(tx, job["video_id"]) if job is not None else None
    if job is None or video is None or job["status"] != "processing":
        return
    status = "success" if error is None else "fail"
    update(tx, "snapshot_jobs", job_id, status=status, results=json.dumps(results))
    for key in (key for keys in results.values() for key in keys):
        insert(tx, "objects", {"object_key": key, "video_id": video.id, "kind": "image"})
    if results and not job["is_specified"]:
        video = _adopt(cloud, tx, video, results)
    _tell(cloud, tx, video, job, error or results)


def _adopt(cloud: "Cloud", tx: sqlite3.Connection, video: Video, results: Results) -> Video:
    """The snapshots of an upload become the video's own; a cover set by a client stays."""
    cover = video.cover_url if "://" in video.cover_url else results[COVER][0]
    return cloud.change_video(
        tx,
        video,
        cover_url=cover,
        snapshots=tuple(results[NORMAL]),
        sprites=tuple(results[SPRITE]),
    )


def regular(cloud: "Cloud", keys: Sequence[str]) -> str:
    """The pattern of a job's URLs: the number of a snapshot becomes a placeholder."""
    if not keys:
        return ""
    url = cloud.urls.plain(keys[0])
    return url.removesuffix("00001.jpg") + "{SnapshotCount}.jpg"


def _tell(
    cloud: "Cloud",
    tx: sqlite3.Connection,
    video: Video,
    job: Row,
    outcome: Results | MediaError,
) -> None:
    body: dict[str, Any] = {"VideoId": video.id}
    if job["is_specified"]:
        body["SubType"] = "SpecifiedTime"
    if isinstance(outcome, MediaError):
        body |= {"ErrorCode": outcome.code, "ErrorMessage": outcome.message}
    else:
        body["CoverUrl"] = cloud.urls.plain(video.cover_url)
        body["SnapshotInfos"] = [_info(cloud, job, kind, keys) for kind, keys in outcome.items()]
    extend = extend_of(job["user_data"])
    cloud.events.emit(
        tx,
        "SnapshotComplete",
        video.id,
        {**body, "Extend": extend} if extend else body,
        job_user_data=job["user_data"],
        media_user_data=video.user_data,
        status="fail" if isinstance(outcome, MediaError) else "success",
    )


def _info(cloud: "Cloud", job: Row, kind: str, keys: Sequence[str]) -> dict[str, Any]:
    return {
        "Status": "success",
        "SnapshotType": kind,
        "SnapshotCount": len(keys),
        "SnapshotFormat": "jpg",
        "SnapshotRegular": regular(cloud, keys),
        "JobId": job["id"],
    }


def fail_source(cloud: "Cloud", tx: sqlite3.Connection, video: Video, error: MediaError) -> None:
    """The snapshots of an upload that cannot be read."""
    job = {
        "id": uuid.uuid4().hex,
        "video_id": video.id,
        "is_specified": 0,
        "user_data": video.user_data,
        "status": "processing",
        "creation_time": clock.now_text(),
    }
    insert(tx, "snapshot_jobs", job)
    _finish(cloud, tx, str(job["id"]), {}, error)
