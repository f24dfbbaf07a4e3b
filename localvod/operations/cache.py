"""Prefetch and refresh tasks of CDN and VOD: daily quotas and purges."""

import sqlite3
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from localvod import clock
from localvod.cdn import owner_of, split_object_path
from localvod.cloud import Cloud
from localvod.errors import ApiError, missing_parameter
from localvod.limits import DAILY_QUOTAS, QUOTAS_NOTE
from localvod.operations.parameters import Parameters
from localvod.operations.registry import Answer, Call
from localvod.patterns import PatternError, matching
from localvod.store import Row
from localvod.store.database import insert
from localvod.store.notes import load_note

PRELOAD, FILE, DIRECTORY, REGEX = "preload", "file", "directory", "regex"
_PATH_LIMIT = 1_024
_HISTORY_DAYS = 3


@dataclass(frozen=True, slots=True)
class Target:
    """One line of ObjectPath, and its path without the leading slash."""

    given: str
    path: str


def parse_targets(cloud: Cloud, parameters: Parameters, *, most: int) -> list[Target]:
    """Parse the lines of ObjectPath; each must lie under the domain of this CDN."""
    lines = [line.strip() for line in parameters.required("ObjectPath").splitlines()]
    targets = [_parse_target(cloud, line) for line in lines if line]
    if not targets:
        raise missing_parameter("ObjectPath")
    if len(targets) > most:
        message = f"ObjectPath takes at most {most} lines in one call."
        raise ApiError("InvalidObjectPath.Size.Malformed", 400, message)
    return targets


def _parse_target(cloud: Cloud, line: str) -> Target:
    split = split_object_path(line)
    if split is None or len(line) > _PATH_LIMIT:
        message = (
            f"ObjectPath {line[:80]!r} is not domain/path of at most {_PATH_LIMIT} characters."
        )
        raise ApiError("InvalidObjectPath.Malformed", 400, message)
    domain, path = split
    if domain != cloud.settings.cdn_domain:
        message = f"The domain {domain} does not belong to this account."
        raise ApiError("InvalidDomain.NotFound", 404, message)
    return Target(line, path.removeprefix("/"))


def _count_today(connection: sqlite3.Connection, product: str, kind: str) -> int:
    row = connection.execute(
        "SELECT count(*) FROM cache_tasks WHERE product = ? AND kind = ? AND creation_time >= ?",
        (product, kind, clock.quota_day_start()),
    ).fetchone()
    return int(row[0])


def _daily_limit(connection: sqlite3.Connection, product: str, kind: str) -> int:
    """URLs of a kind allowed each day: as published, or as a control request set."""
    limits = load_note(connection, QUOTAS_NOTE, {})
    return int(limits.get(f"{product} {kind}", DAILY_QUOTAS[product, kind].limit))


def _remaining_today(connection: sqlite3.Connection, product: str, kind: str) -> int:
    left = _daily_limit(connection, product, kind) - _count_today(connection, product, kind)
    return max(left, 0)


def submit_refresh(
    cloud: Cloud, tx: sqlite3.Connection, call: Call, limits: Mapping[str, int]
) -> Answer:
    """Purge what ObjectPath names. `limits`: the most lines of each ObjectType, in lower case.

    Raises ApiError for another type, and for a directory that does not end with a slash.
    """
    kind = call.parameters.text("ObjectType", "File").lower()
    if kind not in limits:
        message = f"ObjectType {kind} is not one of {', '.join(limits)}."
        raise ApiError("InvalidObjectType.ValueNotSupported", 400, message)
    targets = parse_targets(cloud, call.parameters, most=limits[kind])
    for target in targets:
        if kind == DIRECTORY and not target.given.endswith("/"):
            message = f"The directory {target.given!r} must end with a slash."
            raise ApiError("InvalidObjectPath.Malformed", 400, message)
    return {"RefreshTaskId": submit_task(cloud, tx, call, kind, targets)}


def submit_task(
    cloud: Cloud, tx: sqlite3.Connection, call: Call, kind: str, targets: Sequence[Target]
) -> str:
    """Add one task for all targets and return its id. Raises ApiError beyond the daily quota."""
    product = call.product
    if len(targets) > _remaining_today(tx, product, kind):
        limit = _daily_limit(tx, product, kind)
        message = f"The quota of {limit} a day for {kind} is exceeded."
        raise ApiError(DAILY_QUOTAS[product, kind].code, 400, message)
    task_id, started = str(uuid.uuid4().int)[:11], time.time()
    for target in targets:
        is_found = _is_prefetchable(cloud, tx, target) if kind == PRELOAD else True
        if kind != PRELOAD:
            _purge(cloud, tx, kind, target, started + cloud.settings.cdn_task_seconds)
        insert(
            tx,
            "cache_tasks",
            {
                "task_id": task_id,
                "product": product,
                "kind": kind,
                "object_path": target.given,
                "is_found": int(is_found),
                "started": started,
                "creation_time": clock.now_text(),
            },
        )
    call.effect = {"task_id": task_id, "object_paths": [target.given for target in targets]}
    return task_id


def _is_prefetchable(cloud: Cloud, tx: sqlite3.Connection, target: Target) -> bool:
    """Whether the object exists and its video, if it has one, is published."""
    video = cloud.videos.find(tx, owner_of(target.path))
    if video is not None:
        return video.status == "Normal"
    row = tx.execute("SELECT 1 FROM objects WHERE object_key = ?", (target.path,)).fetchone()
    return row is not None


def _purge(cloud: Cloud, tx: sqlite3.Connection, kind: str, target: Target, at: float) -> None:
    """Answer objects of unpublished videos with 403 from `at` (unix seconds) on.

    Objects of published videos stay: the CDN would fetch them from the origin again.
    """
    rows = tx.execute(*_select_objects(kind, target)).fetchall()
    if kind == REGEX:
        keys = set(_matching(target, [row["object_key"] for row in rows]))
        rows = [row for row in rows if row["object_key"] in keys]
    for row in rows:
        video = cloud.videos.find(tx, row["video_id"])
        if video is None or video.status != "Normal":
            tx.execute(
                "UPDATE objects SET purged_at = coalesce(purged_at, ?) WHERE object_key = ?",
                (at, row["object_key"]),
            )


def _select_objects(kind: str, target: Target) -> tuple[str, tuple[str, ...]]:
    """SQL and values that select the objects of videos under a target; of a pattern, all."""
    query = "SELECT object_key, video_id FROM objects WHERE video_id <> ''"
    if kind == DIRECTORY:
        return query + " AND substr(object_key, 1, length(?)) = ?", (target.path, target.path)
    if kind == REGEX:
        return query, ()
    return query + " AND object_key = ?", (target.path,)


def _matching(target: Target, keys: Sequence[str]) -> list[str]:
    try:
        return matching(target.path, keys)
    except PatternError as error:
        message = "ObjectPath is no regular expression, or its search takes too long."
        raise ApiError("InvalidObjectPath.Malformed", 400, message) from error


def list_tasks(cloud: Cloud, connection: sqlite3.Connection, call: Call) -> Answer:
    """One page of the matching targets of the last three days."""
    parameters = call.parameters
    page = parameters.integer("PageNumber", 1, least=1, most=100_000)
    size = parameters.integer("PageSize", 20, least=1, most=100)
    oldest = max(clock.ago(days=_HISTORY_DAYS), parameters.text("StartTime"))
    rows = connection.execute(
        "SELECT * FROM cache_tasks WHERE product = ? AND creation_time BETWEEN ? AND ? "
        "AND ? IN ('', task_id) AND ? IN ('', object_path) AND ? IN ('', kind) ORDER BY id DESC",
        (
            call.product,
            oldest,
            parameters.text("EndTime") or "~",
            parameters.text("TaskId"),
            parameters.text("ObjectPath"),
            parameters.text("ObjectType").lower(),
        ),
    )
    domain = parameters.text("DomainName")
    tasks = [
        _task_facts(row, cloud.settings.cdn_task_seconds)
        for row in rows
        if domain in ("", _domain_of(row["object_path"]))
    ]
    status = parameters.text("Status")
    chosen = [task for task in tasks if status in ("", task["Status"])]
    return {
        "PageNumber": page,
        "PageSize": size,
        "TotalCount": len(chosen),
        "Tasks": {"CDNTask": chosen[(page - 1) * size : page * size]},
    }


def _domain_of(object_path: str) -> str:
    split = split_object_path(object_path)
    return split[0] if split else ""


def _task_facts(row: Row, task_seconds: float) -> dict[str, Any]:
    status, process = _progress(row, task_seconds)
    return {
        "TaskId": row["task_id"],
        "ObjectPath": row["object_path"],
        "ObjectType": row["kind"],
        "Status": status,
        "Process": process,
        "CreationTime": row["creation_time"],
        "Description": "" if status != "Failed" else "The origin does not give this object out.",
    }


def _progress(row: Row, task_seconds: float) -> tuple[str, str]:
    """Status and Process, computed from the time since the task started."""
    if not row["is_found"]:
        return "Failed", "0%"
    passed = time.time() - row["started"]
    if passed >= task_seconds:
        return "Complete", "100%"
    return "Refreshing", f"{int(100 * passed / task_seconds)}%"


def quota_texts(
    connection: sqlite3.Connection, product: str, names: Mapping[str, str]
) -> dict[str, str]:
    """`<Name>Quota` and `<Name>Remain` as strings; `names` maps each kind to its name."""
    answer: dict[str, str] = {}
    for kind, name in names.items():
        answer[f"{name}Quota"] = str(_daily_limit(connection, product, kind))
        answer[f"{name}Remain"] = str(_remaining_today(connection, product, kind))
    return answer
