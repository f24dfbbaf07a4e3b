"""The rows of a video's media: snapshot jobs, transcode tasks with their jobs, and objects.

A video without media gets computed rows, as if its upload had been processed long ago.
"""

import json
import sqlite3
import uuid
from collections.abc import Iterable
from typing import Any

from localvod import clock
from localvod.cdn import MediaUrls
from localvod.store.database import Row, insert
from localvod.store.videos import Video
from localvod.templates import Template

COVER, NORMAL, SPRITE = "CoverSnapshot", "NormalSnapshot", "SpriteSnapshot"
AUTO, MANUAL = "Auto", "Manual"

Output = dict[str, Any]  # of a transcode job: size, duration, width, height, fps, bitrate


def insert_images(tx: sqlite3.Connection, video: Video, keys: Iterable[str]) -> None:
    """Insert the objects of snapshots or review frames."""
    for key in keys:
        insert(tx, "objects", {"object_key": key, "video_id": video.id, "kind": "image"})


def insert_stream(tx: sqlite3.Connection, video: Video, object_key: str) -> None:
    """Insert the object of a transcoded stream."""
    insert(tx, "objects", {"object_key": object_key, "video_id": video.id, "kind": "stream"})


def insert_snapshot_job(tx: sqlite3.Connection, video: Video, **columns: object) -> str:
    """Insert a snapshot job, waiting unless `columns` say otherwise; returns its id."""
    job_id = uuid.uuid4().hex
    defaults = {"is_specified": 0, "status": "processing", "creation_time": clock.now_text()}
    insert(tx, "snapshot_jobs", {"id": job_id, "video_id": video.id, **defaults, **columns})
    return job_id


def insert_transcode_task(
    tx: sqlite3.Connection, video: Video, *, group_id: str, trigger: str, **columns: object
) -> str:
    """Insert a task without jobs for the video's present source; returns its id."""
    task = {
        "id": uuid.uuid4().hex,
        "video_id": video.id,
        "trigger": trigger,
        "template_group_id": group_id,
        "status": "Processing",
        "creation_time": clock.now_text(),
        "source_version": video.source_version,
    }
    insert(tx, "transcode_tasks", {**task, **columns})
    return str(task["id"])


def insert_transcode_job(
    tx: sqlite3.Connection, task_id: str, video: Video, template: Template, **columns: object
) -> dict[str, Any]:
    """Insert the job of one template, waiting unless `columns` say otherwise; returns its row."""
    job_id = uuid.uuid4().hex
    job = {
        "id": job_id,
        "task_id": task_id,
        "video_id": video.id,
        "template_id": template.id,
        "definition": template.definition,
        "format": template.format,
        "narrowband_type": template.narrowband_type,
        "priority": "6",
        "status": "Transcoding",
        "creation_time": clock.now_text(),
        "object_key": f"{video.id}/{job_id}-{template.definition.lower()}.{template.format}",
        **columns,
    }
    insert(tx, "transcode_jobs", job)
    return job


def find_streams(connection: sqlite3.Connection, video: Video) -> list[Row]:
    """The successful transcode jobs of the video's present source, latest first."""
    return connection.execute(
        "SELECT transcode_jobs.* FROM transcode_jobs "
        "JOIN transcode_tasks ON transcode_tasks.id = task_id "
        "WHERE transcode_jobs.video_id = ? AND transcode_jobs.status = 'TranscodeSuccess' "
        "AND source_version = ? ORDER BY transcode_jobs.rowid DESC",
        (video.id, video.source_version),
    ).fetchall()


def compute_output(video: Video, template: Template) -> Output:
    """The output of a template for a video without media."""
    width, height = template.picture_size(video.width or 540, video.height or 960)
    bitrate = min(template.bitrate_cap, video.bitrate or template.bitrate_cap)
    return {
        "size": int(bitrate * video.duration * 125),
        "duration": video.duration,
        "width": width,
        "height": height,
        "fps": video.fps or 30.0,
        "bitrate": bitrate,
    }


def insert_computed_images(tx: sqlite3.Connection, video: Video, urls: MediaUrls) -> None:
    """Insert the cover and the snapshots of the upload, as results of a finished job."""
    covers = [key for key in [urls.key_of(video.cover_url)] if key]
    snapshots = [key for key in map(urls.key_of, video.snapshots) if key]
    insert_images(tx, video, covers + snapshots)
    if covers or snapshots:
        insert_snapshot_job(
            tx,
            video,
            status="success",
            results=json.dumps({COVER: covers, NORMAL: snapshots}),
            creation_time=video.creation_time,
        )


def insert_computed_streams(
    tx: sqlite3.Connection, video: Video, templates: Iterable[Template]
) -> None:
    """Insert the streams of the upload's automatic task; no event reports them."""
    finished = {"creation_time": video.creation_time, "complete_time": video.creation_time}
    task_id = insert_transcode_task(
        tx,
        video,
        group_id=video.template_group_id,
        trigger=AUTO,
        status="CompleteAllSucc",
        **finished,
    )
    for template in templates:
        job = insert_transcode_job(
            tx,
            task_id,
            video,
            template,
            status="TranscodeSuccess",
            progress=100,
            output=json.dumps(compute_output(video, template)),
            **finished,
        )
        insert_stream(tx, video, job["object_key"])
