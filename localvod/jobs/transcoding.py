"""Transcoding: a task for each submission, a job for each output stream."""

import json
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from localvod import clock
from localvod.cloud import Cloud
from localvod.media.ffmpeg import MediaError
from localvod.media.hls import segment, segments_of
from localvod.media.transcode import transcode
from localvod.store import Row
from localvod.store.database import update
from localvod.store.media_rows import (
    AUTO,
    MANUAL,
    Output,
    compute_output,
    insert_stream,
    insert_transcode_job,
    insert_transcode_task,
)
from localvod.store.videos import FAILED, READY, Video
from localvod.templates import Template, TemplateGroup
from localvod.user_data import extend_part

_PROGRESS_STEP = 10  # percent
_JOB = (
    "SELECT transcode_jobs.*, trigger, template_group_id, user_data, source_version "
    "FROM transcode_jobs JOIN transcode_tasks ON transcode_tasks.id = task_id "
    "WHERE transcode_jobs.id = ?"
)


def create_transcode_task(
    cloud: Cloud,
    tx: sqlite3.Connection,
    video: Video,
    group: TemplateGroup,
    *,
    trigger: str,
    session_id: str = "",
    user_data: str = "",
    priority: str = "6",
) -> tuple[str, list[str]]:
    """Create a task with one job per template; returns its id and the ids of its jobs.

    A video without media has its jobs finished at once, with computed outputs.
    """
    task_id = insert_transcode_task(
        tx, video, group_id=group.id, trigger=trigger, session_id=session_id, user_data=user_data
    )
    templates = group.templates_for(video.tag_list)
    jobs = [
        insert_transcode_job(tx, task_id, video, template, priority=priority)["id"]
        for template in templates
    ]
    if video.source_key:
        cloud.jobs.mark_new()
    else:
        for job_id, template in zip(jobs, templates, strict=True):
            job = tx.execute(_JOB, (job_id,)).fetchone()
            failure = _requested_failure(video, job)
            _finish_job(cloud, tx, job_id, failure or compute_output(video, template))
    return task_id, jobs


def create_failed_transcode_task(
    cloud: Cloud, tx: sqlite3.Connection, video: Video, error: MediaError
) -> None:
    """Create the task of an upload whose source cannot be read: failed, without jobs."""
    now = clock.now_text()
    insert_transcode_task(
        tx,
        video,
        group_id=video.template_group_id,
        trigger=AUTO,
        status="CompleteAllFail",
        creation_time=now,
        complete_time=now,
    )
    body = {"VideoId": video.id, "ErrorCode": error.code, "ErrorMessage": error.message}
    cloud.events.emit(
        tx,
        "TranscodeComplete",
        video,
        {**body, **extend_part(video.user_data)},
        status="fail",
    )


def _requested_failure(video: Video, job: Row) -> MediaError | None:
    """The failure that a tag or a seeded fact asks for, to show and test failed jobs."""
    is_narrowband = job["narrowband_type"] != "0"
    kind = "narrowband" if is_narrowband else "standard"
    tag = "narrowband:fail" if is_narrowband else "transcode:fail"
    is_tagged = tag in video.tag_list and job["trigger"] == MANUAL
    if is_tagged or video.fail_jobs in ("all", kind):
        return MediaError("TranscodeFailed", "The transcoder failed, as this video asks for.")
    return None


def transcode_stream(cloud: Cloud, job_id: str, cancelled: threading.Event) -> None:
    """Do one job: transcode the source into the job's object. Raises MediaError."""
    connection = cloud.database.reader()
    job = connection.execute(_JOB, (job_id,)).fetchone()
    video = cloud.videos.find(connection, job["video_id"]) if job is not None else None
    if job is None or video is None:
        return
    outcome = _requested_failure(video, job) or _transcode(cloud, job, video, cancelled)
    if not cancelled.is_set():
        with cloud.database.transaction() as tx:
            _finish_job(cloud, tx, job_id, outcome)


def fail_stream(cloud: Cloud, job_id: str, error: MediaError) -> None:
    """End a job without an output."""
    with cloud.database.transaction() as tx:
        _finish_job(cloud, tx, job_id, error)


def _transcode(cloud: Cloud, job: Row, video: Video, cancelled: threading.Event) -> Output:
    target = cloud.settings.media_root / job["object_key"]
    target.parent.mkdir(parents=True, exist_ok=True)
    source = cloud.settings.media_root / video.source_key
    progress = _Progress(cloud, job["id"])
    if job["format"] == "m3u8":
        whole = target.with_suffix(".mp4")
        facts = transcode(source, _template_of(cloud, job), whole, progress, cancelled)
        segment(whole, target, cancelled)
    else:
        facts = transcode(source, _template_of(cloud, job), target, progress, cancelled)
    fields = ("size", "duration", "width", "height", "fps", "bitrate")
    return {name: getattr(facts, name) for name in fields}


def _template_of(cloud: Cloud, job: Row) -> Template:
    group = cloud.groups.get(job["template_group_id"])
    for template in group.templates if group else ():
        if template.id == job["template_id"]:
            return template
    raise MediaError(
        "NoSuchTemplate", f"The template {job['template_id']} does not exist any more."
    )


class _Progress:
    """Writes a job's progress to its row, in steps of ten percent."""

    def __init__(self, cloud: Cloud, job_id: str) -> None:
        self._cloud = cloud
        self._job_id = job_id
        self._written = 0

    def __call__(self, percent: int) -> None:
        if self._written + _PROGRESS_STEP <= percent < 100:
            self._written = percent
            with self._cloud.database.transaction() as tx:
                update(tx, "transcode_jobs", self._job_id, progress=percent)


def _finish_job(
    cloud: Cloud, tx: sqlite3.Connection, job_id: str, outcome: Output | MediaError
) -> None:
    """Record the outcome and emit its event; the last job of a task ends the task."""
    job = tx.execute(_JOB, (job_id,)).fetchone()
    video = cloud.videos.find(tx, job["video_id"]) if job is not None else None
    if job is None or video is None or job["status"] != "Transcoding":
        return
    changes: dict[str, Any] = {"complete_time": clock.now_text()}
    if isinstance(outcome, MediaError):
        changes |= {
            "status": "TranscodeFail",
            "error_code": outcome.code,
            "error_message": outcome.message,
        }
    else:
        changes |= {"status": "TranscodeSuccess", "progress": 100, "output": json.dumps(outcome)}
        for key in _files_of(cloud, job["object_key"]):
            insert_stream(tx, video, key)
    update(tx, "transcode_jobs", job_id, **changes)
    _emit_stream(cloud, tx, video, job, _stream_info(cloud, {**dict(job), **changes}))
    _finish_task(cloud, tx, video, job)


def _files_of(cloud: Cloud, object_key: str) -> list[str]:
    """The keys of a stream's files: of HLS also its segments."""
    root = cloud.settings.media_root
    segments = segments_of(root / object_key)
    return [object_key, *(path.relative_to(root).as_posix() for path in segments)]


def _stream_info(cloud: Cloud, job: Mapping[str, Any]) -> dict[str, Any]:
    """A finished job in the spelling of StreamInfos."""
    output, is_success = json.loads(job["output"]), job["status"] == "TranscodeSuccess"
    info: dict[str, Any] = {
        "Status": "success" if is_success else "fail",
        "JobId": job["id"],
        "Definition": job["definition"],
        "Format": job["format"],
        "Encrypt": False,
    }
    if not is_success:
        return {**info, "ErrorCode": job["error_code"], "ErrorMessage": job["error_message"]}
    return {
        **info,
        "FileUrl": cloud.urls.plain(job["object_key"]),
        "Bitrate": str(output["bitrate"]),
        "Fps": str(output["fps"]),
        "Duration": output["duration"],
        "Width": output["width"],
        "Height": output["height"],
        "Size": output["size"],
    }


def _emit_stream(
    cloud: Cloud, tx: sqlite3.Connection, video: Video, job: Row, stream: Mapping[str, Any]
) -> None:
    body = {name: value for name, value in stream.items() if name != "Status"}
    cloud.events.emit(
        tx,
        "StreamTranscodeComplete",
        video,
        {"VideoId": video.id, **body, **_extend(job, video)},
        job_user_data=job["user_data"],
        status=stream["Status"],
    )


def _extend(job: Row, video: Video) -> dict[str, str]:
    """Extend of an automatic task is the upload's; a manual task has only its own."""
    user_data = video.user_data if job["trigger"] == AUTO else job["user_data"]
    return extend_part(user_data)


def _finish_task(cloud: Cloud, tx: sqlite3.Connection, video: Video, job: Row) -> None:
    """Record the task's status; once no job is left, emit TranscodeComplete."""
    jobs = tx.execute(
        "SELECT * FROM transcode_jobs WHERE task_id = ? ORDER BY rowid", (job["task_id"],)
    ).fetchall()
    status = _task_status([row["status"] for row in jobs])
    if not status.startswith("Complete"):
        update(tx, "transcode_tasks", job["task_id"], status=status)
        return
    now = clock.now_text()
    update(tx, "transcode_tasks", job["task_id"], status=status, complete_time=now)
    is_success = status != "CompleteAllFail"
    if job["trigger"] == AUTO and job["source_version"] == video.source_version:
        cloud.videos.change(tx, video, stage=READY if is_success else FAILED)
    streams = [
        {
            **_stream_info(cloud, dict(row)),
            "IsAudio": False,
            "StartTime": row["creation_time"],
            "FinishTime": row["complete_time"],
        }
        for row in jobs
    ]
    cloud.events.emit(
        tx,
        "TranscodeComplete",
        video,
        {"VideoId": video.id, "StreamInfos": streams, **_extend(job, video)},
        job_user_data=job["user_data"],
        status="success" if is_success else "fail",
    )


def _task_status(jobs: Sequence[str]) -> str:
    """TaskStatus from the statuses of a task's jobs."""
    ended = [status for status in jobs if status != "Transcoding"]
    failed = jobs.count("TranscodeFail")
    if len(ended) < len(jobs):
        return "Partial" if ended else "Processing"
    if failed == len(jobs):
        return "CompleteAllFail"
    return "CompletePartialSucc" if failed else "CompleteAllSucc"
