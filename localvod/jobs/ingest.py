"""Ingest of an upload: probe the source, then start snapshots, transcoding and machine review."""

import sqlite3
import threading

from localvod.cloud import Cloud
from localvod.jobs.reviews import create_review_job, fail_review_job
from localvod.jobs.snapshots import create_failed_snapshot_job, create_snapshot_job
from localvod.jobs.transcoding import create_failed_transcode_task, create_transcode_task
from localvod.media.ffmpeg import MediaError
from localvod.media.probe import Probe, probe
from localvod.store.media_rows import AUTO
from localvod.store.videos import FAILED, READY, TRANSCODING, Video

_SNAPSHOTS_OFF_TAG = "snapshots:off"


def ingest_source(cloud: Cloud, video_id: str, cancelled: threading.Event) -> None:
    """Probe a new source and start its jobs; if it cannot be read, fail all of them."""
    video = cloud.videos.find(cloud.database.reader(), video_id)
    if video is None:
        return
    result: Probe | MediaError
    try:
        result = probe(cloud.settings.media_root / video.source_key)
    except MediaError as error:
        result = error
    if cancelled.is_set():
        return
    with cloud.database.transaction() as tx:
        current = cloud.videos.find(tx, video_id)
        if current is None or current.source_version != video.source_version:
            return  # deleted, or overwritten: the newer upload has an ingest job of its own
        if isinstance(result, MediaError):
            _fail_all(cloud, tx, current, result)
        else:
            _start_all(cloud, tx, current, result)


def fail_ingest(cloud: Cloud, video_id: str, error: MediaError) -> None:
    """Fail all jobs of a source that could not be probed."""
    with cloud.database.transaction() as tx:
        video = cloud.videos.find(tx, video_id)
        if video is not None and not video.is_ingested:
            _fail_all(cloud, tx, video, error)


def _start_all(cloud: Cloud, tx: sqlite3.Connection, video: Video, facts: Probe) -> None:
    group = cloud.groups[video.template_group_id]
    video = cloud.videos.change(
        tx,
        video,
        is_ingested=1,
        stage=TRANSCODING if group.templates else READY,
        duration=facts.duration,
        width=facts.width,
        height=facts.height,
        fps=facts.fps,
        bitrate=facts.bitrate,
    )
    _emit_analysis(cloud, tx, video)
    if _SNAPSHOTS_OFF_TAG not in video.tag_list:
        create_snapshot_job(cloud, tx, video, is_specified=False, user_data=video.user_data)
    if cloud.settings.is_auto_review:
        create_review_job(cloud, tx, video)
    if group.templates:
        create_transcode_task(cloud, tx, video, group, trigger=AUTO)
    cloud.jobs.mark_new()


def _fail_all(cloud: Cloud, tx: sqlite3.Connection, video: Video, error: MediaError) -> None:
    """Fail each job that follows an upload, with its own event."""
    video = cloud.videos.change(tx, video, is_ingested=1, stage=FAILED)
    body = {"VideoId": video.id, "ErrorCode": error.code, "ErrorMessage": error.message}
    cloud.events.emit(
        tx,
        "VideoAnalysisComplete",
        video,
        body,
        status="fail",
    )
    create_failed_snapshot_job(cloud, tx, video, error)
    create_failed_transcode_task(cloud, tx, video, error)
    if cloud.settings.is_auto_review:
        job_id = create_review_job(cloud, tx, video)
        fail_review_job(cloud, tx, job_id, video, error)


def _emit_analysis(cloud: Cloud, tx: sqlite3.Connection, video: Video) -> None:
    """VideoAnalysisComplete: all its numbers are strings, and it has no Extend."""
    body = {
        "VideoId": video.id,
        "Duration": str(video.duration),
        "Width": str(video.width),
        "Height": str(video.height),
        "Fps": str(video.fps),
        "Bitrate": str(video.bitrate),
        "Size": str(video.size),
    }
    cloud.events.emit(tx, "VideoAnalysisComplete", video, body)
