"""SubmitAIMediaAuditJob and the five operations that read the machine's results."""

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from localvod import review
from localvod.cloud import Cloud
from localvod.errors import invalid_parameter, no_such_resource
from localvod.jobs import reviews
from localvod.operations.registry import Answer, Call, operation
from localvod.store import Row

PAGE_SIZE = 20


@operation("SubmitAIMediaAuditJob", qps=30, is_writing=True)
def submit_ai_media_audit_job(cloud: Cloud, tx: sqlite3.Connection, call: Call) -> Answer:
    """Queue a machine review of one video."""
    given = call.parameters
    video = cloud.videos.get(tx, given.required("MediaId"))
    call.video_ids.append(video.id)
    given.choice("MediaType", "video", "video")
    configuration = given.text("MediaAuditConfiguration")
    if configuration and not isinstance(given.json("MediaAuditConfiguration"), dict):
        raise invalid_parameter("MediaAuditConfiguration", "it must be a JSON object")
    if video.stage == "uploading":
        raise no_such_resource(f"source file of video {video.id}")
    job_id = reviews.create_review_job(cloud, tx, video, user_data=given.user_data())
    call.effect = {"job_id": job_id}
    return {"MediaId": video.id, "JobId": job_id}


@operation("GetAIMediaAuditJob", qps=30)
def get_ai_media_audit_job(cloud: Cloud, connection: sqlite3.Connection, call: Call) -> Answer:
    """One job, with its result once it has succeeded."""
    job_id = call.parameters.required("JobId")
    row = connection.execute("SELECT * FROM review_jobs WHERE id = ?", (job_id,)).fetchone()
    if row is None:
        raise no_such_resource(f"review job {job_id}")
    call.video_ids.append(row["media_id"])
    job: dict[str, Any] = {
        "JobId": row["id"],
        "MediaId": row["media_id"],
        "Type": "AIMediaAudit",
        "Status": row["status"],
        "CreationTime": row["creation_time"],
    }
    if row["complete_time"]:
        job["CompleteTime"] = row["complete_time"]
        job |= {"Code": row["code"], "Message": row["message"]}
    if row["status"] == "success":
        job["Data"] = json.loads(row["result"])
    return {"MediaAuditJob": job}


def _find_latest(cloud: Cloud, connection: sqlite3.Connection, call: Call) -> Row:
    """The latest successful review of the call's MediaId."""
    video = cloud.videos.get(connection, call.parameters.required("MediaId"))
    call.video_ids.append(video.id)
    row: Row | None = connection.execute(
        "SELECT * FROM review_jobs WHERE media_id = ? AND status = 'success' "
        "ORDER BY rowid DESC LIMIT 1",
        (video.id,),
    ).fetchone()
    if row is None:
        raise no_such_resource(f"review result of video {video.id}")
    return row


@operation("GetMediaAuditResult", qps=30)
def get_media_audit_result(cloud: Cloud, connection: sqlite3.Connection, call: Call) -> Answer:
    return {"MediaAuditResult": json.loads(_find_latest(cloud, connection, call)["result"])}


@operation("GetMediaAuditResultDetail", qps=30)
def get_media_audit_result_detail(
    cloud: Cloud, connection: sqlite3.Connection, call: Call
) -> Answer:
    """The suspect frames, twenty a page."""
    call.parameters.required("PageNo")
    page = call.parameters.integer("PageNo", 1, least=1, most=10_000)
    row = _find_latest(cloud, connection, call)
    scene = _scene(row)
    frames = json.loads(row["frames"])
    shown = frames[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    details = [_detail(frame, scene) for frame in shown]
    return {"MediaAuditResultDetail": {"Total": len(frames), "List": details}}


def _scene(row: Row) -> str:
    return str(json.loads(row["result"])["VideoResult"]["Label"])


def _detail(frame: Mapping[str, Any], scene: str) -> dict[str, Any]:
    detail = {"Timestamp": str(frame["timestamp"]), "Url": frame["url"]}
    for name in review.SCENES:
        is_suspect = name == scene
        detail[f"{name.capitalize()}Label"] = frame["label"] if is_suspect else "normal"
        detail[f"{name.capitalize()}Score"] = review.score_text(
            frame["score"] if is_suspect else 99.0
        )
    return detail


@operation("GetMediaAuditResultTimeline", qps=30)
def get_media_audit_result_timeline(
    cloud: Cloud, connection: sqlite3.Connection, call: Call
) -> Answer:
    """The suspect frames of each scene, as marks on a timeline."""
    row = _find_latest(cloud, connection, call)
    marks = [
        {
            "Label": frame["label"],
            "Score": review.score_text(frame["score"]),
            "Timestamp": str(frame["timestamp"]),
        }
        for frame in json.loads(row["frames"])
    ]
    scene = _scene(row)
    timeline = {name.capitalize(): marks if name == scene else [] for name in review.SCENES}
    return {"MediaAuditResultTimeline": timeline}


@operation("GetMediaAuditAudioResultDetail", qps=30)
def get_media_audit_audio_result_detail(
    cloud: Cloud, connection: sqlite3.Connection, call: Call
) -> Answer:
    """An empty list: the audio of every clip passes."""
    call.parameters.required("PageNo")
    call.parameters.integer("PageNo", 1, least=1, most=10_000)
    _find_latest(cloud, connection, call)
    return {"MediaAuditAudioResultDetail": {"Total": 0, "PageTotal": 0, "List": []}}
