"""Machine review jobs; `localvod.review` has the rule of their verdicts."""

import dataclasses
import json
import shutil
import sqlite3
import threading
import uuid
from collections.abc import Sequence
from typing import Any

from localvod import clock, review
from localvod.cloud import Cloud
from localvod.media import snapshots as media
from localvod.media.ffmpeg import MediaError
from localvod.store.database import insert, update
from localvod.store.media_rows import insert_images
from localvod.store.videos import Video

_FRAME_WIDTH = 360


def create_review_job(
    cloud: Cloud, tx: sqlite3.Connection, video: Video, *, user_data: str = ""
) -> str:
    """Create a job and return its id. A video without media has it finished at once."""
    job_id = uuid.uuid4().hex
    job = {
        "id": job_id,
        "media_id": video.id,
        "status": "init",
        "user_data": user_data,
        "creation_time": clock.now_text(),
    }
    insert(tx, "review_jobs", job)
    if video.source_key:
        cloud.jobs.mark_new()
    else:
        _finish(cloud, tx, job_id, _frame_keys(video, job_id))
    return job_id


def _frame_keys(video: Video, job_id: str) -> list[str]:
    count = len(review.frame_moments(video.duration))
    return [f"{video.id}/review/{job_id}/{number:05d}.jpg" for number in range(1, count + 1)]


def review_clip(cloud: Cloud, job_id: str, cancelled: threading.Event) -> None:
    """Do one job; only a suspect clip has frames taken. Raises MediaError."""
    connection = cloud.database.reader()
    job = connection.execute("SELECT * FROM review_jobs WHERE id = ?", (job_id,)).fetchone()
    video = cloud.videos.find(connection, job["media_id"]) if job is not None else None
    if video is None:
        return
    keys: list[str] = []
    if review.verdict_of(video, cloud.settings.verdict) in ("review", "block"):
        keys = _take_frames(cloud, video, job_id)
    if not cancelled.is_set():
        with cloud.database.transaction() as tx:
            _finish(cloud, tx, job_id, keys)


def fail_review(cloud: Cloud, job_id: str, error: MediaError) -> None:
    """End a job without a verdict, unless the job or its video is gone."""
    with cloud.database.transaction() as tx:
        job = tx.execute("SELECT * FROM review_jobs WHERE id = ?", (job_id,)).fetchone()
        video = cloud.videos.find(tx, job["media_id"]) if job is not None else None
        if video is not None:
            fail_review_job(cloud, tx, job_id, video, error)


def _take_frames(cloud: Cloud, video: Video, job_id: str) -> list[str]:
    """Take the suspect frames; returns their object keys."""
    root = cloud.settings.media_root
    work = root / video.id / "review" / f".{job_id}"
    work.mkdir(parents=True, exist_ok=True)
    try:
        moments = review.frame_moments(video.duration)
        source = root / video.source_key
        paths = media.write_snapshots(source, work, offsets_ms=moments, width=_FRAME_WIDTH)
        keys = _frame_keys(video, job_id)[: len(paths)]
        (root / video.id / "review" / job_id).mkdir(exist_ok=True)
        for path, key in zip(paths, keys, strict=True):
            path.replace(root / key)
        return keys
    finally:
        shutil.rmtree(work)


def _finish(cloud: Cloud, tx: sqlite3.Connection, job_id: str, frame_keys: Sequence[str]) -> None:
    """Record the verdict and emit its event, unless the job or its video is gone."""
    job = tx.execute("SELECT * FROM review_jobs WHERE id = ?", (job_id,)).fetchone()
    video = cloud.videos.find(tx, job["media_id"]) if job is not None else None
    if video is None or job["status"] not in ("init", "processing"):
        return
    verdict = review.verdict_of(video, cloud.settings.verdict)
    if verdict == "error":
        error = MediaError("InternalError", "The review failed, as this video asks for.")
        fail_review_job(cloud, tx, job_id, video, error)
        return
    frames = review.suspect_frames(video, verdict, [cloud.urls.plain(key) for key in frame_keys])
    insert_images(tx, video, frame_keys)
    result = review.audit_result(video, verdict, frames, cloud.urls.plain(video.cover_url))
    update(
        tx,
        "review_jobs",
        job_id,
        status="success",
        code="0",
        message="OK",
        complete_time=clock.now_text(),
        result=json.dumps(result, ensure_ascii=False),
        frames=json.dumps([dataclasses.asdict(frame) for frame in frames]),
    )
    body = {"Code": "0", "Message": "OK", "Data": result}
    _emit_complete(cloud, tx, job, video, body, status="success")


def fail_review_job(
    cloud: Cloud, tx: sqlite3.Connection, job_id: str, video: Video, error: MediaError
) -> None:
    """End a job without a verdict."""
    update(
        tx,
        "review_jobs",
        job_id,
        status="fail",
        code=error.code,
        message=error.message,
        complete_time=clock.now_text(),
    )
    job = tx.execute("SELECT * FROM review_jobs WHERE id = ?", (job_id,)).fetchone()
    body = {"Code": error.code, "Message": error.message}
    _emit_complete(cloud, tx, job, video, body, status="fail")


def _emit_complete(
    cloud: Cloud,
    tx: sqlite3.Connection,
    job: sqlite3.Row,
    video: Video,
    body: dict[str, Any],
    *,
    status: str,
) -> None:
    """AIMediaAuditComplete: it names the video MediaId, and has no Extend."""
    cloud.events.emit(
        tx,
        "AIMediaAuditComplete",
        video,
        {"MediaId": video.id, "JobId": job["id"], **body},
        job_user_data=job["user_data"],
        status=status,
    )
