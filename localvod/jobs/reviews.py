"""Machine review: a job per review, its verdict by the rule of `localvod.review`."""

import dataclasses
import json
import shutil
import sqlite3
import threading
import uuid
from typing import TYPE_CHECKING, Any

from localvod import clock, review
from localvod.media import snapshots as media
from localvod.media.ffmpeg import MediaError
from localvod.store.database import insert, update
from localvod.store.videos import Video

if TYPE_CHECKING:
    from localvod.cloud import Cloud

FRAME_WIDTH = 360


def create(cloud: "Cloud", tx: sqlite3.Connection, video: Video, *, user_data: str = "") -> str:
    """Queue a review; that of a video without media ends at once. Returns the job's id."""
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
        cloud.jobs.mark()
    else:
        moments = review.frame_moments(video.duration)
        _finish(cloud, tx, job_id, [_frame_key(video, job_id, n + 1) for n in range(len(moments))])
    return job_id


def _frame_key(video: Video, job_id: str, number: int) -> str:
    return f"{video.id}/review/{job_id}/{number:05d}.jpg"


def run(cloud: "Cloud", job_id: str, cancelled: threading.Event) -> None:
    """Review one clip: for a suspect one, the frames in question are taken from it."""
    connection = cloud.database.read()
    job = connection.execute("SELECT * FROM review_jobs WHERE id = ?", (job_id,)).fetchone()
    video = cloud.find_video(connection, job["media_id"]) if job is not None else None
    if video is None:
        return
    keys: list[str] = []
    if review.verdict_of(video, cloud.settings.verdict) in ("review", "block"):
        try:
            keys = _take_frames(cloud, video, job_id)
        except MediaError as error:
            if not cancelled.is_set():
                with cloud.database.write() as tx:
                    fail(cloud, tx, job_id, video, error)
            return
    if not cancelled.is_set():
        with cloud.database.write() as tx:
            _finish(cloud, tx, job_id, keys)


def _take_frames(cloud: "Cloud", video: Video, job_id: str) -> list[str]:
    root = cloud.settings.media_root
    work = root / video.id / "review" / f".{job_id}"
    work.mkdir(parents=True, exist_ok=True)
    try:
        moments = review.frame_moments(video.duration)
        source = root / video.source_key
        paths = media.snapshots(source, work, offsets_ms=moments, width=FRAME_WIDTH)
        keys = [_frame_key(video, job_id, number + 1) for number in range(len(paths))]
        (root / video.id / "review" / job_id).mkdir(exist_ok=True)
        for path, key in zip(paths, keys, strict=True):
            path.replace(root / key)
        return keys
    finally:
        shutil.rmtree(work)


def _finish(cloud: "Cloud", tx: sqlite3.Connection, job_id: str, frame_keys: list[str]) -> None:
    job = tx.execute("SELECT * FROM review_jobs WHERE id = ?", (job_id,)).fetchone()
    video = cloud.find_video(tx, job["media_id"]) if job is not None else None
    if video is None or job["status"] not in ("init", "processing"):
        return
    verdict = review.verdict_of(video, cloud.settings.verdict)
    if verdict == "error":
        error = MediaError("InternalError", "The review failed, as this video asks for.")
        fail(cloud, tx, job_id, video, error)
        return
    suspects = review.frames(video, verdict, [cloud.urls.plain(key) for key in frame_keys])
    for key in frame_keys:
        insert(tx, "objects", {"object_key": key, "video_id": video.id, "kind": "image"})
    result = review.result(video, verdict, suspects, cloud.urls.plain(video.cover_url))
    update(
        tx,
        "review_jobs",
        job_id,
        status="success",
        code="0",
        message="OK",
        complete_time=clock.now_text(),
        result=json.dumps(result, ensure_ascii=False),
        frames=json.dumps([dataclasses.asdict(frame) for frame in suspects]),
    )
    _tell(cloud, tx, job, video, {"Code": "0", "Message": "OK", "Data": result})


def fail(
    cloud: "Cloud", tx: sqlite3.Connection, job_id: str, video: Video, error: MediaError
) -> None:
    """End a review without a verdict."""
    code, message = error.code, error.message
    now = clock.now_text()
    update(tx, "review_jobs", job_id, status="fail", code=code, message=message, complete_time=now)
    job = tx.execute("SELECT * FROM review_jobs WHERE id = ?", (job_id,)).fetchone()
    _tell(cloud, tx, job, video, {"Code": code, "Message": message})


def _tell(
    cloud: "Cloud",
    tx: sqlite3.Connection,
    job: sqlite3.Row,
    video: Video,
    body: dict[str, Any],
) -> None:
    """AIMediaAuditComplete names the video MediaId, and carries no Extend."""
    cloud.events.emit(
        tx,
        "AIMediaAuditComplete",
        video.id,
        {"MediaId": video.id, "JobId": job["id"], **body},
        job_user_data=job["user_data"],
        media_user_data=video.user_data,
        status="success" if "Data" in body else "fail",
    )
