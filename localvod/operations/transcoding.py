"""SubmitTranscodeJobs, GetTranscodeTask, ListTranscodeTask."""

import json
import re
import sqlite3
from typing import Any

from localvod import clock
from localvod.cloud import Cloud
from localvod.errors import (
    ApiError,
    illegal_status,
    invalid_parameter,
    missing_parameter,
    no_such_resource,
)
from localvod.jobs import transcoding
from localvod.operations.info import get_named_video
from localvod.operations.registry import Answer, Call, operation
from localvod.store import Row
from localvod.store.media_rows import MANUAL

SESSION_DAYS, TASK_DAYS = 7, 365
TRANSCODABLE = ("UploadSucc", "Normal", "Checking")
_SESSION_ID = re.compile(r"[A-Za-z0-9_-]{1,50}")


@operation("SubmitTranscodeJobs", qps=30, is_writing=True)
def submit_transcode_jobs(cloud: Cloud, tx: sqlite3.Connection, call: Call) -> Answer:
    """Create a job for each template of the group; a SessionId is valid once in seven days."""
    video, given = get_named_video(cloud, tx, call), call.parameters
    group = cloud.groups.get(given.required("TemplateGroupId"))
    if group is None or not group.templates:
        raise no_such_resource(f"template group {given.text('TemplateGroupId')}")
    if video.status not in TRANSCODABLE:
        raise illegal_status(video.status, 400)
    session_id = _check_session_id(tx, call)
    if "OverrideParams" in given.values and not isinstance(given.json("OverrideParams"), dict):
        raise invalid_parameter("OverrideParams", "it must be a JSON object")
    task_id, jobs = transcoding.create_transcode_task(
        cloud,
        tx,
        video,
        group,
        trigger=MANUAL,
        session_id=session_id,
        user_data=given.user_data(),
        priority=str(given.integer("Priority", 6, least=1, most=10)),
    )
    call.effect = {"task_id": task_id, "job_ids": jobs, "template_group_id": group.id}
    wrapped = {"TranscodeJob": [{"JobId": job_id} for job_id in jobs]}
    return {"TranscodeTaskId": task_id, "TranscodeJobs": wrapped}


def _check_session_id(tx: sqlite3.Connection, call: Call) -> str:
    session_id = call.parameters.text("SessionId")
    if session_id and not _SESSION_ID.fullmatch(session_id):
        allowed = "it must be 1 to 50 letters, digits, hyphens and underscores"
        raise invalid_parameter("SessionId", allowed)
    used = tx.execute(
        "SELECT 1 FROM transcode_tasks WHERE session_id = ? AND ? <> '' AND creation_time >= ?",
        (session_id, session_id, clock.ago(days=SESSION_DAYS)),
    ).fetchone()
    if used:
        message = f"The SessionId {session_id} was used within the last {SESSION_DAYS} days."
        raise ApiError("SessionIdDuplicate", 400, message)
    return session_id


@operation("GetTranscodeTask", qps=30)
def get_transcode_task(cloud: Cloud, connection: sqlite3.Connection, call: Call) -> Answer:
    """One task with its jobs, or up to ten jobs by id."""
    task_id, job_ids = call.parameters.text("TranscodeTaskId"), call.parameters.items("JobIds")
    if task_id:
        return _task_answer(cloud, connection, call, task_id)
    if not job_ids:
        raise missing_parameter("TranscodeTaskId")
    if len(job_ids) > 10:
        raise invalid_parameter("JobIds", "at most 10 ids in one call")
    marks = ", ".join("?" * len(job_ids))
    rows = connection.execute(f"SELECT * FROM transcode_jobs WHERE id IN ({marks})", job_ids)
    jobs = {row["id"]: row for row in rows}
    if not jobs:
        raise no_such_resource(f"transcode job {', '.join(job_ids)}")
    return {
        "TranscodeJobInfoList": [_job_info(cloud, connection, row) for row in jobs.values()],
        "NonExistJobIds": [job_id for job_id in job_ids if job_id not in jobs],
    }


def _task_answer(cloud: Cloud, connection: sqlite3.Connection, call: Call, task_id: str) -> Answer:
    task = connection.execute(
        "SELECT * FROM transcode_tasks WHERE id = ? AND creation_time >= ?",
        (task_id, clock.ago(days=TASK_DAYS)),
    ).fetchone()
    if task is None:
        raise no_such_resource(f"transcode task {task_id}")
    call.video_ids.append(task["video_id"])
    jobs = connection.execute(
        "SELECT * FROM transcode_jobs WHERE task_id = ? ORDER BY rowid", (task_id,)
    ).fetchall()
    infos = [_job_info(cloud, connection, row) for row in jobs]
    return {"TranscodeTask": {**_task_facts(task), "TranscodeJobInfoList": infos}}


@operation("ListTranscodeTask", qps=15, is_writing=True)
def list_transcode_task(cloud: Cloud, tx: sqlite3.Connection, call: Call) -> Answer:
    """A video's tasks of the past year, the latest first; no total, no jobs."""
    call.parameters.required("VideoId")
    video = cloud.videos.ensure_stored(tx, get_named_video(cloud, tx, call))
    page, size = call.parameters.page(size=10, most=50)
    start, end = call.parameters.moment("StartTime"), call.parameters.moment("EndTime")
    low = max(clock.ago(days=TASK_DAYS), clock.format_time(start) if start else "")
    rows = tx.execute(
        "SELECT * FROM transcode_tasks WHERE video_id = ? AND creation_time BETWEEN ? AND ? "
        "ORDER BY creation_time DESC, rowid DESC LIMIT ? OFFSET ?",
        (video.id, low, clock.format_time(end) if end else "~", size, (page - 1) * size),
    )
    return {"TranscodeTaskList": [_task_facts(row) for row in rows]}


def _task_facts(task: Row) -> dict[str, Any]:
    facts = {
        "TranscodeTaskId": task["id"],
        "VideoId": task["video_id"],
        "TaskStatus": task["status"],
        "Trigger": task["trigger"],
        "TranscodeTemplateGroupId": task["template_group_id"],
        "CreationTime": task["creation_time"],
        "CompleteTime": task["complete_time"],
    }
    return {name: value for name, value in facts.items() if value is not None}


def _job_info(cloud: Cloud, connection: sqlite3.Connection, job: Row) -> dict[str, Any]:
    info: dict[str, Any] = {
        "TranscodeJobId": job["id"],
        "TranscodeTemplateId": job["template_id"],
        "TranscodeJobStatus": job["status"],
        "TranscodeProgress": job["progress"],
        "Definition": job["definition"],
        "Priority": job["priority"],
        "CreationTime": job["creation_time"],
    }
    if job["complete_time"]:
        info["CompleteTime"] = job["complete_time"]
    if job["error_code"]:
        info |= {"ErrorCode": job["error_code"], "ErrorMessage": job["error_message"]}
    video = cloud.videos.find(connection, job["video_id"])
    if video is not None and video.source_key:
        info["InputFileUrl"] = cloud.urls.plain(video.source_key)
    if job["status"] == "TranscodeSuccess":
        info["OutputFile"] = _output_file(cloud, job, json.loads(job["output"]))
    return info


def _output_file(cloud: Cloud, job: Row, output: dict[str, Any]) -> dict[str, Any]:
    """All numbers except Filesize are strings; the stream lists are JSON text."""
    stream = {"Codec": "h264", "Width": output["width"], "Height": output["height"]}
    return {
        "OutputFileUrl": cloud.urls.plain(job["object_key"]),
        "Format": job["format"],
        "Bitrate": str(output["bitrate"]),
        "Duration": str(output["duration"]),
        "Fps": str(output["fps"]),
        "Width": str(output["width"]),
        "Height": str(output["height"]),
        "Filesize": output["size"],
        "Encryption": "",
        "WatermarkIdList": [],
        "VideoStreamList": json.dumps([stream]),
        "AudioStreamList": json.dumps([{"Codec": "aac"}]),
        "SubtitleStreamList": "[]",
    }
