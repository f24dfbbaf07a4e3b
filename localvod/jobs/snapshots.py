"""Snapshot jobs: those of an upload, and those of SubmitSnapshotJob."""

import json
import shutil
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from localvod.cloud import Cloud
from localvod.media import snapshots as media
from localvod.media.ffmpeg import MediaError
from localvod.media.probe import probe
from localvod.store import Row
from localvod.store.database import update
from localvod.store.media_rows import COVER, NORMAL, SPRITE, insert_images, insert_snapshot_job
from localvod.store.videos import Video
from localvod.user_data import extend_part

_UPLOAD_COUNT = 8  # normal snapshots of an upload
_Results = dict[str, list[str]]  # object keys by snapshot type


def create_snapshot_job(
    cloud: Cloud,
    tx: sqlite3.Connection,
    video: Video,
    *,
    is_specified: bool,
    user_data: str = "",
    parameters: Mapping[str, Any] | None = None,
) -> str:
    """Create a job and return its id. A video without media has it finished at once."""
    job_id = insert_snapshot_job(
        tx,
        video,
        is_specified=int(is_specified),
        parameters=json.dumps(parameters or {}),
        user_data=user_data,
    )
    if video.source_key:
        cloud.jobs.mark_new()
    else:
        _finish(cloud, tx, job_id, _compute_results(video, job_id, parameters or {}))
    return job_id


def create_failed_snapshot_job(
    cloud: Cloud, tx: sqlite3.Connection, video: Video, error: MediaError
) -> None:
    """Create the job of an upload whose source cannot be read, and fail it."""
    job_id = insert_snapshot_job(tx, video, user_data=video.user_data)
    _finish(cloud, tx, job_id, error)


def _compute_results(video: Video, job_id: str, parameters: Mapping[str, Any]) -> _Results:
    offsets = parameters.get("offsets_ms")
    count = len(offsets) if offsets else int(parameters.get("count", _UPLOAD_COUNT))
    return {NORMAL: [_object_key(video.id, job_id, NORMAL, n) for n in range(1, count + 1)]}


def _object_key(video_id: str, job_id: str, kind: str, number: int) -> str:
    return f"{video_id}/snapshots/{job_id}/{kind.lower()}-{number:05d}.jpg"


def take_snapshots(cloud: Cloud, job_id: str, cancelled: threading.Event) -> None:
    """Do one job. Raises MediaError if it gives no picture."""
    connection = cloud.database.reader()
    job = connection.execute("SELECT * FROM snapshot_jobs WHERE id = ?", (job_id,)).fetchone()
    video = cloud.videos.find(connection, job["video_id"]) if job is not None else None
    if job is None or video is None:
        return
    outcome = _take(cloud, job, video)
    if not cancelled.is_set():
        with cloud.database.transaction() as tx:
            _finish(cloud, tx, job_id, outcome)


def fail_snapshots(cloud: Cloud, job_id: str, error: MediaError) -> None:
    """End a job without pictures."""
    with cloud.database.transaction() as tx:
        _finish(cloud, tx, job_id, error)


def _take(cloud: Cloud, job: Row, video: Video) -> _Results:
    root = cloud.settings.media_root
    source, work = root / video.source_key, root / video.id / "snapshots" / f".{job['id']}"
    work.mkdir(parents=True, exist_ok=True)
    try:
        if job["is_specified"]:
            parameters = json.loads(job["parameters"])
            taken = {NORMAL: media.write_snapshots(source, work, **parameters)}
        else:
            taken = _take_all(source, work)
        return {
            kind: [
                _move_to_object(root, path, _object_key(video.id, job["id"], kind, number))
                for number, path in enumerate(paths, start=1)
            ]
            for kind, paths in taken.items()
        }
    finally:
        shutil.rmtree(work)


def _take_all(source: Path, work: Path) -> dict[str, list[Path]]:
    """The pictures of an upload; a type that fails costs no other. Raises MediaError if all do."""
    facts = probe(source)
    writers: dict[str, Callable[[], list[Path]]] = {
        COVER: lambda: [
            media.write_cover(source, work, facts),
            media.write_first_frame(source, work, facts),
        ],
        NORMAL: lambda: media.write_snapshots(source, work, _UPLOAD_COUNT, facts),
        SPRITE: lambda: [media.write_sprite(source, work, facts)],
    }
    taken: dict[str, list[Path]] = {}
    for kind, write in writers.items():
        try:
            taken[kind] = write()
        except MediaError as error:
            failure = error
    if not taken:
        raise failure
    return taken


def _move_to_object(root: Path, path: Path, key: str) -> str:
    target = root / key
    target.parent.mkdir(parents=True, exist_ok=True)
    path.replace(target)
    return key


def _finish(
    cloud: Cloud, tx: sqlite3.Connection, job_id: str, outcome: _Results | MediaError
) -> None:
    """Record the outcome and emit SnapshotComplete, unless the job or its video is gone."""
    job = tx.execute("SELECT * FROM snapshot_jobs WHERE id = ?", (job_id,)).fetchone()
    video = cloud.videos.find(tx, job["video_id"]) if job is not None else None
    if job is None or video is None or job["status"] != "processing":
        return
    if isinstance(outcome, MediaError):
        update(tx, "snapshot_jobs", job_id, status="fail")
    else:
        update(tx, "snapshot_jobs", job_id, status="success", results=json.dumps(outcome))
        insert_images(tx, video, (key for keys in outcome.values() for key in keys))
        if not job["is_specified"]:
            video = _set_images(cloud, tx, video, outcome)
    _emit_complete(cloud, tx, video, job, outcome)


def _set_images(cloud: Cloud, tx: sqlite3.Connection, video: Video, results: _Results) -> Video:
    """Give a video the snapshots of its upload; a cover that a client set stays."""
    cover, *_ = results.get(COVER, [""])
    return cloud.videos.change(
        tx,
        video,
        cover_url=video.cover_url if "://" in video.cover_url else cover,
        snapshots=tuple(results.get(NORMAL, ())),
        sprites=tuple(results.get(SPRITE, ())),
    )


def url_pattern(cloud: Cloud, keys: Sequence[str]) -> str:
    """The pattern of a job's URLs, with a placeholder for the number; '' without keys."""
    if not keys:
        return ""
    return cloud.urls.plain(keys[0]).removesuffix("00001.jpg") + "{SnapshotCount}.jpg"


def _key_pattern(keys: Sequence[str]) -> str:
    """The same for the job's object keys."""
    return keys[0].removesuffix("00001.jpg") + "{SnapshotCount}.jpg" if keys else ""


def _emit_complete(
    cloud: Cloud,
    tx: sqlite3.Connection,
    video: Video,
    job: Row,
    outcome: _Results | MediaError,
) -> None:
    body: dict[str, Any] = {"VideoId": video.id}
    if job["is_specified"]:
        body["SubType"] = "SpecifiedTime"
    if isinstance(outcome, MediaError):
        body |= {"ErrorCode": outcome.code, "ErrorMessage": outcome.message}
    else:
        body["CoverUrl"] = cloud.urls.plain(video.cover_url)
        body["SnapshotInfos"] = [
            _snapshot_info(cloud, job, kind, keys) for kind, keys in outcome.items()
        ]
    cloud.events.emit(
        tx,
        "SnapshotComplete",
        video,
        {**body, **extend_part(job["user_data"])},
        job_user_data=job["user_data"],
        status="fail" if isinstance(outcome, MediaError) else "success",
    )


def _snapshot_info(cloud: Cloud, job: Row, kind: str, keys: Sequence[str]) -> dict[str, Any]:
    return {
        "Status": "success",
        "SnapshotType": kind,
        "SnapshotCount": len(keys),
        "SnapshotFormat": _key_pattern(keys),
        "SnapshotRegular": url_pattern(cloud, keys),
        "JobId": job["id"],
    }
