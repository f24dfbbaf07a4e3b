"""CreateAudit and GetAuditHistory: the decisions that people make."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from localvod import clock
from localvod.cloud import Cloud
from localvod.errors import invalid_parameter, missing_parameter
from localvod.operations.registry import Answer, Call, operation
from localvod.store.database import insert

BATCH = 100
REASON_LIMIT, COMMENT_LIMIT = 128, 512
DECISIONS = ("Normal", "Blocked")


@dataclass(frozen=True, slots=True)
class Audit:
    """One decision on one video."""

    video_id: str
    status: str
    reason: str
    comment: str


@operation("CreateAudit", qps=30, is_writing=True)
def create_audit(cloud: Cloud, tx: sqlite3.Connection, call: Call) -> Answer:
    """Apply up to 100 decisions, all or none."""
    content = call.parameters.json("AuditContent")
    if not isinstance(content, list) or not content:
        raise invalid_parameter("AuditContent", "it must be a JSON array of decisions")
    if len(content) > BATCH:
        raise invalid_parameter("AuditContent", f"at most {BATCH} decisions in one call")
    audits = [parse_audit(item) for item in content]
    call.video_ids.extend(dict.fromkeys(audit.video_id for audit in audits))
    for audit in audits:
        apply_audit(cloud, tx, audit, auditor=call.access_key_id)
    call.effect = {
        "audits": [
            {"video_id": audit.video_id, "status": audit.status, "reason": audit.reason}
            for audit in audits
        ]
    }
    return {}


def parse_audit(item: object) -> Audit:
    """Parse one decision; every limit is in bytes of UTF-8. Raises ApiError."""
    if not isinstance(item, Mapping):
        raise invalid_parameter("AuditContent", "each decision must be a JSON object")
    texts = {name: _text(item, name) for name in ("VideoId", "Status", "Reason", "Comment")}
    if not texts["VideoId"]:
        raise missing_parameter("AuditContent.VideoId")
    if texts["Status"] not in DECISIONS:
        raise invalid_parameter("AuditContent.Status", "it must be Normal or Blocked")
    if texts["Status"] == "Blocked" and not texts["Reason"]:
        raise missing_parameter("AuditContent.Reason")
    for name, limit in (("Reason", REASON_LIMIT), ("Comment", COMMENT_LIMIT)):
        if len(texts[name].encode()) > limit:
            allowed = f"it may have {limit} bytes of UTF-8 at most"
            raise invalid_parameter(f"AuditContent.{name}", allowed)
    return Audit(texts["VideoId"], texts["Status"], texts["Reason"], texts["Comment"])


def _text(item: Mapping[str, Any], name: str) -> str:
    value = item.get(name) or ""
    if not isinstance(value, str):
        raise invalid_parameter(f"AuditContent.{name}", "it must be text")
    return value


def apply_audit(cloud: Cloud, tx: sqlite3.Connection, audit: Audit, *, auditor: str) -> None:
    """Store a decision, set the video's audit status and emit CreateAuditComplete."""
    video = cloud.videos.get(tx, audit.video_id)
    now = clock.now_text()
    cloud.videos.change(tx, video, audit_status=audit.status)
    insert(
        tx,
        "audits",
        {
            "video_id": video.id,
            "status": audit.status,
            "reason": audit.reason,
            "comment": audit.comment,
            "auditor": auditor,
            "creation_time": now,
        },
    )
    body = {
        "MediaId": video.id,
        "SubType": "video",
        "AuditStatus": audit.status,
        "CreationTime": now,
        "Auditor": auditor,
        "Reason": audit.reason,
    }
    cloud.events.emit(tx, "CreateAuditComplete", video, body)


@operation("GetAuditHistory", qps=30)
def get_audit_history(cloud: Cloud, connection: sqlite3.Connection, call: Call) -> Answer:
    """A video's decisions, latest first unless SortBy asks for the oldest first."""
    video = cloud.videos.get(connection, call.parameters.required("VideoId"))
    call.video_ids.append(video.id)
    page, size = call.parameters.page(size=10, most=100)
    sort = ("CreationTime:Desc", "CreationTime:Asc")
    order = call.parameters.choice("SortBy", sort[0], *sort).partition(":")[2].upper()
    rows = connection.execute(
        f"SELECT * FROM audits WHERE video_id = ? ORDER BY id {order} LIMIT ? OFFSET ?",
        (video.id, size, (page - 1) * size),
    ).fetchall()
    total = connection.execute("SELECT count(*) FROM audits WHERE video_id = ?", (video.id,))
    answer: Answer = {
        "Total": total.fetchone()[0],
        "Histories": [
            {
                "CreationTime": row["creation_time"],
                "Status": row["status"],
                "Reason": row["reason"],
                "Comment": row["comment"],
                "Auditor": row["auditor"],
            }
            for row in rows
        ],
    }
    if video.audit_status:
        answer["Status"] = video.audit_status
    return answer
