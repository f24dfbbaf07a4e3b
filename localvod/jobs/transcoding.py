"""Transcoding: a task per submission, a job per output stream."""

import json
import sqlite3
import threading
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localvod import clock
from localvod.events import extend_of
from localvod.media.ffmpeg import MediaError
from localvod.media.probe import Probe
from localvod.media.transcode import transcode
from localvod.store import Row
from localvod.store.database import insert, update
from localvod.store.videos import FAILED, READY, Video
from localvod.templates import Template, TemplateGroup

if TYPE_CHECKING:
    from localvod.cloud import Cloud

AUTO, MANUAL = "Auto", "Manual"
PROGRESS_STEP = 10
Output = dict[str, Any]


def create_task(
    cloud: "Cloud",
    tx: sqlite3.Connection,
    video: Video,
    group: TemplateGroup,
    *,
    trigger: str,
    session_id: str = "",
    user_data: str = "",
    priority: str = "6",
) -> tuple[str, list[str]]:
    """Queue a task with one job per template; returns its id and the ids of its jobs.

    A video without media has its jobs finished at once, with computed outputs.
    """
    task_id, now = uuid.uuid4().hex, clock.now_text()
    task = {
        "id": task_id,
        "video_id": video.id,
        "trigger": trigger,
        "template_group_id": group.id,
        "status": "Processing",
        "session_id": session_id,
        "user_data": user_data,
        "creation_time": now,
        "source_version": video.source_version,
    }
    insert(tx, "transcode_tasks", task)
    jobs = [_create_job(tx, task_id, video, template, priority) for template in group.templates]
    if video.source_key:
        cloud.jobs.mark()
    else:
        for job_id, template in zip(jobs, group.templates, strict=True):
            _finish_computed(cloud, tx, video, job_id, template)
    return task_id, jobs


def _create_job(
    tx: sqlite3.Connection, task_id: str, video: Video, template: Template, priority: str
) -> str:
    job_id = uuid.uuid4().hex
    job = {
        "id": job_id,
        "task_id": task_id,
        "video_id": video.id,
        "template_id": template.id,
        "definition": template.definition,
        "format": template.format,
        "narrowband_type": template.narrowband_type,
        "priority": priority,
        "status": "Transcoding",
        "creation_time": clock.now_text(),
        "object_key": f"{video.id}/{job_id}-{template.definition.lower()}.{template.format}",
    }
    insert(tx, "transcode_jobs", job)
    return job_id


def add_finished_job(
    tx: sqlite3.Connection, task_id: str, video: Video, template: Template
) -> None:
    """A successful job of a video without media, as if it had run long ago."""
    job_id = _create_job(tx, task_id, video, template, "6")
    update(
        tx,
        "transcode_jobs",
        job_id,
        status="TranscodeSuccess",
        progress=100,
        creation_time=video.creation_time,
        complete_time=video.creation_time,
        output=json.dumps(computed_output(video, template)),
    )
    _add_object(tx, job_id, video)


def _add_object(tx: sqlite3.Connection, job_id: str, video: Video) -> None:
    tx.execute(
        "INSERT INTO objects (object_key, video_id, kind) "
        "SELECT object_key, ?, 'stream' FROM transcode_jobs WHERE id = ?",
        (video.id, job_id),
    )


def computed_output(video: Video, template: Template) -> Output:
    """What an output of a video without media would measure."""
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


def _finish_computed(
    cloud: "Cloud", tx: sqlite3.Connection, video: Video, job_id: str, template: Template
) -> None:
    job = tx.execute(_JOB, (job_id,)).fetchone()
    error = wished_failure(video, job)
    output = None if error else computed_output(video, template)
    finish_job(cloud, tx, job_id, output, error)


def wished_failure(video: Video, job: Row) -> MediaError | None:
    """The failure that tags or a seeded fact ask for: so that failures can be shown and tested."""
    is_narrowband = job["narrowband_type"] != "0"
    kind = "narrowband" if is_narrowband else "standard"
    tag = "narrowband:fail" if is_narrowband else "transcode:fail"
    is_tagged = tag in video.tag_list and job["trigger"] == MANUAL
    if is_tagged or video.fail_jobs in ("all", kind):
        return MediaError("TranscodeFailed", "The transcoder failed, as this video asks for.")
    return None


def run(cloud: "Cloud", job_id: str, cancelled: threading.Event) -> None:
    """Do one job: transcode the source into the job's object."""
    connection = cloud.database.read()
    job = connection.execute(_JOB, (job_id,)).fetchone()
    video = cloud.find_video(connection, job["video_id"]) if job is not None else None
    if job is None or video is None:
        return
    error: MediaError | None = wished_failure(video, job)
    output = None
    if error is None:
        try:
            output = _transcode(cloud, job, video, cancelled)
        except MediaError as failure:
            error = failure
        except OSError as failure:
            error = MediaError("InternalError", f"The output cannot be written: {failure}.")
    if not cancelled.is_set():
        with cloud.database.write() as tx:
            finish_job(cloud, tx, job_id, output, error)


def _transcode(cloud: "Cloud", job: Row, video: Video, cancelled: threading.Event) -> Output:
    target = cloud.settings.media_root / job["object_key"]
    target.parent.mkdir(parents=True, exist_ok=True)
    template = _template(cloud, job)
    progress = _Progress(cloud, job["id"])
    source: Path = cloud.settings.media_root / video.source_key
    return output_of(transcode(source, template, target, progress, cancelled))


def output_of(facts: Probe) -> Output:
    return {
        "size": facts.size,
        "duration": facts.duration,
        "width": facts.width,
        "height": facts.height,
        "fps": facts.fps,
        "bitrate": facts.bitrate,
    }


def _template(cloud: "Cloud", job: Row) -> Template:
    group = cloud.groups.get(job["template_group_id"])
    for template in group.templates if group else ():
        if template.id == job["template_id"]:
            return template
    raise MediaError(
        "NoSuchTemplate", f"The template {job['template_id']} does not exist any more."
    )


class _Progress:
    """Writes a job's progress down, but not more often than every ten percent."""

    def __init__(self, cloud: "Cloud", job_id: str) -> None:
        self._cloud = cloud
        self._job_id = job_id
        self._written = 0

    def __call__(self, percent: int) -> None:
        if self._written + PROGRESS_STEP <= percent < 100:
            self._written = percent
            with self._cloud.database.write() as tx:
                update(tx, "transcode_jobs", self._job_id, progress=percent)


_JOB = (
    "SELECT transcode_jobs.*, trigger, template_group_id, user_data, source_version "
    "FROM transcode_jobs JOIN transcode_tasks ON transcode_tasks.id = task_id "
    "WHERE transcode_jobs.id = ?"
)


def finish_job(
    cloud: "Cloud",
    tx: sqlite3.Connection,
    job_id: str,
    output: Output | None,
    error: MediaError | None,
) -> None:
    """Write down how a job ended, tell it, and end its task with its last job."""
    job = tx.execute(_JOB, (job_id,)).fetchone()
    video = cloud.find_video(tx, job["video_id"]) if job is not None else None
    if job is None or video is None or job["status"] != "Transcoding":
        return
    ended: dict[str, Any] = {"complete_time": clock.now_text()}
    if output is not None:
        ended |= {"status": "TranscodeSuccess", "progress": 100, "output": json.dumps(output)}
        _add_object(tx, job_id, video)
    elif error is not None:
        ended |= {
            "status": "TranscodeFail",
            "error_code": error.code,
            "error_message": error.message,
        }
    update(tx, "transcode_jobs", job_id, **ended)
    stream = stream_info(cloud, {**dict(job), **ended})
    _emit_stream(cloud, tx, video, job, stream)
    _finish_task(cloud, tx, video, job)


def stream_info(cloud: "Cloud", job: Mapping[str, Any]) -> dict[str, Any]:
    """A job in the spelling of StreamInfos."""
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
    cloud: "Cloud", tx: sqlite3.Connection, video: Video, job: Row, stream: Mapping[str, Any]
) -> None:
    body = {name: value for name, value in stream.items() if name != "Status"}
    cloud.events.emit(
        tx,
        "StreamTranscodeComplete",
        video.id,
        {"VideoId": video.id, **body, **_extend(job, video)},
        job_user_data=job["user_data"],
        media_user_data=video.user_data,
        status=stream["Status"],
    )


def _extend(job: Row, video: Video) -> dict[str, str]:
    """Extend of an automatic task is that of the upload; a manual one has only its own."""
    user_data = video.user_data if job["trigger"] == AUTO else job["user_data"]
    extend = extend_of(user_data)
    return {"Extend": extend} if extend else {}


def _finish_task(cloud: "Cloud", tx: sqlite3.Connection, video: Video, job: Row) -> None:
    jobs = tx.execute(
        "SELECT * FROM transcode_jobs WHERE task_id = ? ORDER BY rowid", (job["task_id"],)
    ).fetchall()
    status = task_status([row["status"] for row in jobs])
    if not status.startswith("Complete"):
        update(tx, "transcode_tasks", job["task_id"], status=status)
        return
    now = clock.now_text()
    update(tx, "transcode_tasks", job["task_id"], status=status, complete_time=now)
    is_success = status != "CompleteAllFail"
    if job["trigger"] == AUTO and job["source_version"] == video.source_version:
        cloud.change_video(tx, video, stage=READY if is_success else FAILED)
    streams = [
        {
            **stream_info(cloud, dict(row)),
            "IsAudio": False,
            "StartTime": row["creation_time"],
            "FinishTime": row["complete_time"],
        }
        for row in jobs
    ]
    cloud.events.emit(
        tx,
        "TranscodeComplete",
        video.id,
        {"VideoId": video.id, "StreamInfos": streams, **_extend(job, video)},
        job_user_data=job["user_data"],
        media_user_data=video.user_data,
        status="success" if is_success else "fail",
    )


def task_status(jobs: Sequence[str]) -> str:
    """TaskStatus from the states of a task's jobs."""
    done = [status for status in jobs if status != "Transcoding"]
    failed = jobs.count("TranscodeFail")
    if len(done) < len(jobs):
        return "Partial" if done else "Processing"
    if failed == len(jobs):
        return "CompleteAllFail"
    return "CompletePartialSucc" if failed else "CompleteAllSucc"


def fail_source(
    cloud: "Cloud", tx: sqlite3.Connection, video: Video, group_id: str, error: MediaError
) -> None:
    """A bad source: a task that failed as a whole, without any job."""
    now = clock.now_text()
    task = {
        "id": uuid.uuid4().hex,
        "video_id": video.id,
        "trigger": AUTO,
        "template_group_id": group_id,
        "status": "CompleteAllFail",
        "creation_time": now,
        "complete_time": now,
        "source_version": video.source_version,
    }
    insert(tx, "transcode_tasks", task)
    extend = extend_of(video.user_data)
    body = {"VideoId": video.id, "ErrorCode": error.code, "ErrorMessage": error.message}
    cloud.events.emit(
        tx,
        "TranscodeComplete",
        video.id,
        {**body, "Extend": extend} if extend else body,
        media_user_data=video.user_data,
        status="fail",
    )


def play_streams(connection: sqlite3.Connection, video: Video) -> list[Row]:
    """The successful jobs of a video's present source, the latest first."""
    return connection.execute(
        "SELECT transcode_jobs.* FROM transcode_jobs "
        "JOIN transcode_tasks ON transcode_tasks.id = task_id "
        "WHERE transcode_jobs.video_id = ? AND transcode_jobs.status = 'TranscodeSuccess' "
        "AND source_version = ? ORDER BY transcode_jobs.rowid DESC",
        (video.id, video.source_version),
    ).fetchall()
