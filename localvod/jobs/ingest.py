"""What follows an upload: probing, then snapshots, transcoding and machine review side by side."""

import sqlite3
import threading
from typing import TYPE_CHECKING

from localvod.jobs import reviews, snapshots, transcoding
from localvod.media.ffmpeg import MediaError
from localvod.media.probe import Probe, probe
from localvod.store.videos import FAILED, READY, TRANSCODING, Video

if TYPE_CHECKING:
    from localvod.cloud import Cloud

SNAPSHOTS_OFF_TAG = "snapshots:off"


def run(cloud: "Cloud", video_id: str, cancelled: threading.Event) -> None:
    """Look at a new source and start what its upload asks for."""
    video = cloud.find_video(cloud.database.read(), video_id)
    if video is None:
        return
    facts: Probe | None = None
    error: MediaError | None = None
    try:
        facts = probe(cloud.settings.media_root / video.source_key)
    except MediaError as failure:
        error = failure
    if cancelled.is_set():
        return
    with cloud.database.write() as tx:
        current = cloud.find_video(tx, video_id)
        if current is None or current.source_version != video.source_version:
            return  # deleted, or overwritten by a newer upload: that one starts its own
        if facts is not None:
            _start(cloud, tx, current, facts)
        elif error is not None:
            _refuse(cloud, tx, current, error)


def _start(cloud: "Cloud", tx: sqlite3.Connection, video: Video, facts: Probe) -> None:
    group = cloud.groups[video.template_group_id]
    video = cloud.change_video(
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
    _tell_analysis(cloud, tx, video)
    if SNAPSHOTS_OFF_TAG not in video.tag_list:
        snapshots.create(cloud, tx, video, is_specified=False, user_data=video.user_data)
    if cloud.settings.is_auto_review:
        reviews.create(cloud, tx, video)
    if group.templates:
        transcoding.create_task(cloud, tx, video, group, trigger=transcoding.AUTO)
    cloud.jobs.mark()


def _refuse(cloud: "Cloud", tx: sqlite3.Connection, video: Video, error: MediaError) -> None:
    """A source that cannot be read: everything that would have followed fails, each in its way."""
    video = cloud.change_video(tx, video, is_ingested=1, stage=FAILED)
    body = {"VideoId": video.id, "ErrorCode": error.code, "ErrorMessage": error.message}
    cloud.events.emit(
        tx,
        "VideoAnalysisComplete",
        video.id,
        body,
        media_user_data=video.user_data,
        status="fail",
    )
    snapshots.fail_source(cloud, tx, video, error)
    transcoding.fail_source(cloud, tx, video, video.template_group_id, error)
    if cloud.settings.is_auto_review:
        job_id = reviews.create(cloud, tx, video)
        reviews.fail(cloud, tx, job_id, video, error)


def _tell_analysis(cloud: "Cloud", tx: sqlite3.Connection, video: Video) -> None:
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
    cloud.events.emit(tx, "VideoAnalysisComplete", video.id, body, media_user_data=video.user_data)
