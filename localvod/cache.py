"""Prefetch and refresh of the CDN: tasks, their daily quotas, and what a purge does."""

import sqlite3
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from localvod import clock
from localvod.cdn import owner_of, split_object_path
from localvod.errors import ApiError, missing_parameter
from localvod.limits import DAILY_QUOTAS
from localvod.operations.parameters import Parameters
from localvod.store import Row
from localvod.store.database import insert
from localvod.store.notes import load_note

if TYPE_CHECKING:
    from localvod.cloud import Cloud

PRELOAD, FILE, DIRECTORY, REGEX = "preload", "file", "directory", "regex"
PATH_LIMIT = 1_024
HISTORY_DAYS = 3
QUOTAS_NOTE = "daily_quotas"  # limits in place of the published ones, by "product kind"


@dataclass(frozen=True, slots=True)
class Target:
    """One line of ObjectPath: as it was given, and its path without the leading slash."""

    given: str
    path: str


def targets(cloud: "Cloud", parameters: Parameters, *, most: int) -> list[Target]:
    """The lines of ObjectPath, each under the domain of this CDN."""
    lines = [line.strip() for line in parameters.required("ObjectPath").splitlines()]
    found = [_target(cloud, line) for line in lines if line]
    if not found:
        raise missing_parameter("ObjectPath")
    if len(found) > most:
        message = f"ObjectPath takes at most {most} lines in one call."
        raise ApiError("InvalidObjectPath.Size.Malformed", 400, message)
    return found


def _target(cloud: "Cloud", line: str) -> Target:
    split = split_object_path(line)
    if split is None or len(line) > PATH_LIMIT:
        message = f"ObjectPath {line[:80]!r} is not domain/path of at most {PATH_LIMIT} characters."
        raise ApiError("InvalidObjectPath.Malformed", 400, message)
    domain, path = split
    if domain != cloud.settings.cdn_domain:
        message = f"The domain {domain} does not belong to this account."
        raise ApiError("InvalidDomain.NotFound", 404, message)
    return Target(line, path.removeprefix("/"))


def used_today(connection: sqlite3.Connection, product: str, kind: str) -> int:
    row = connection.execute(
        "SELECT count(*) FROM cache_tasks WHERE product = ? AND kind = ? AND creation_time >= ?",
        (product, kind, clock.quota_day_text()),
    ).fetchone()
    return int(row[0])


def daily_limit(connection: sqlite3.Connection, product: str, kind: str) -> int:
    """How many URLs of a kind a day has: as published, or as a control request set it."""
    limits = load_note(connection, QUOTAS_NOTE, {})
    return int(limits.get(f"{product} {kind}", DAILY_QUOTAS[product, kind].limit))


def remaining(connection: sqlite3.Connection, product: str, kind: str) -> int:
    """How many URLs of a kind may still be submitted today."""
    left = daily_limit(connection, product, kind) - used_today(connection, product, kind)
    return max(left, 0)


def submit(
    cloud: "Cloud", tx: sqlite3.Connection, product: str, kind: str, wanted: Sequence[Target]
) -> str:
    """Queue one task for the lines of a call; refused as a whole beyond the day's quota."""
    if len(wanted) > remaining(tx, product, kind):
        limit = daily_limit(tx, product, kind)
        message = f"The quota of {limit} a day for {kind} is exceeded."
        raise ApiError(DAILY_QUOTAS[product, kind].code, 400, message)
    task_id, started = str(uuid.uuid4().int)[:11], time.time()
    for target in wanted:
        is_done = _prefetch(cloud, tx, target) if kind == PRELOAD else True
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
                "is_found": int(is_done),
                "started": started,
                "creation_time": clock.now_text(),
            },
        )
    return task_id


def _prefetch(cloud: "Cloud", tx: sqlite3.Connection, target: Target) -> bool:
    """Whether the origin gives the object out: it exists, and its video may be played."""
    video = cloud.find_video(tx, owner_of(target.path))
    if video is not None:
        return video.status == "Normal"
    row = tx.execute("SELECT 1 FROM objects WHERE object_key = ?", (target.path,)).fetchone()
    return row is not None


def _purge(cloud: "Cloud", tx: sqlite3.Connection, kind: str, target: Target, at: float) -> None:
    """From that moment objects of unpublished videos are answered with 403.

    Those of published videos are fetched from the origin again: nothing changes.
    """
    for row in tx.execute(*_selection(kind, target)).fetchall():
        video = cloud.find_video(tx, row["video_id"])
        if video is None or video.status != "Normal":
            tx.execute(
                "UPDATE objects SET purged_at = coalesce(purged_at, ?) WHERE object_key = ?",
                (at, row["object_key"]),
            )


def _selection(kind: str, target: Target) -> tuple[str, tuple[str, ...]]:
    query = "SELECT object_key, video_id FROM objects WHERE video_id <> '' AND "
    if kind == DIRECTORY:
        return query + "substr(object_key, 1, length(?)) = ?", (target.path, target.path)
    if kind == REGEX:
        return query + "object_key REGEXP ?", (target.path,)
    return query + "object_key = ?", (target.path,)


def state_of(task: Row, task_seconds: float) -> tuple[str, str]:
    """Status and Process of a task's line, from the time that has passed."""
    if not task["is_found"]:
        return "Failed", "0%"
    passed = time.time() - task["started"]
    if passed >= task_seconds:
        return "Complete", "100%"
    return "Refreshing", f"{int(100 * passed / task_seconds)}%"


def listing(
    cloud: "Cloud", connection: sqlite3.Connection, product: str, parameters: Parameters, most: int
) -> tuple[int, list[dict[str, Any]]]:
    """The lines of the last three days that the filters leave, the latest first: total and page."""
    page = parameters.integer("PageNumber", 1, least=1, most=100_000)
    size = parameters.integer("PageSize", 20, least=1, most=most)
    oldest = max(clock.ago(days=HISTORY_DAYS), parameters.text("StartTime"))
    rows = connection.execute(
        "SELECT * FROM cache_tasks WHERE product = ? AND creation_time BETWEEN ? AND ? "
        "AND ? IN ('', task_id) AND ? IN ('', object_path) AND ? IN ('', kind) ORDER BY id DESC",
        (
            product,
            oldest,
            parameters.text("EndTime") or "~",
            parameters.text("TaskId"),
            parameters.text("ObjectPath"),
            parameters.text("ObjectType").lower(),
        ),
    )
    domain = parameters.text("DomainName")
    tasks = [
        _task(row, cloud.settings.cdn_task_seconds)
        for row in rows
        if domain in ("", _domain(row["object_path"]))
    ]
    status = parameters.text("Status")
    shown = [task for task in tasks if status in ("", task["Status"])]
    return len(shown), shown[(page - 1) * size : page * size]


def _domain(object_path: str) -> str:
    split = split_object_path(object_path)
    return split[0] if split else ""


def _task(row: Row, task_seconds: float) -> dict[str, Any]:
    status, process = state_of(row, task_seconds)
    return {
        "TaskId": row["task_id"],
        "ObjectPath": row["object_path"],
        "ObjectType": row["kind"],
        "Status": status,
        "Process": process,
        "CreationTime": row["creation_time"],
        "Description": "" if status != "Failed" else "The origin does not give this object out.",
    }


def quota_texts(
    connection: sqlite3.Connection, product: str, names: Mapping[str, str]
) -> dict[str, str]:
    """`<Name>Quota` and `<Name>Remain` as strings, for each kind by the name given."""
    answer: dict[str, str] = {}
    for kind, name in names.items():
        answer[f"{name}Quota"] = str(daily_limit(connection, product, kind))
        answer[f"{name}Remain"] = str(remaining(connection, product, kind))
    return answer
