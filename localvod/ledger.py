"""The ledger: every signed call with its outcome and its effect, in order."""

import json
import sqlite3
import time
from collections.abc import Iterator
from typing import Any

from localvod.operations.registry import Call
from localvod.store import Database
from localvod.store.database import insert

_SECRETS = frozenset({"AuthKey"})
_CHUNK = 1_000


def record_call(tx: sqlite3.Connection, call: Call, *, code: str = "", fault: str = "") -> None:
    """Record a call; an accepted one has no `code`."""
    insert(
        tx,
        "ledger",
        {
            "at": time.time(),
            "product": call.product,
            "operation": call.operation,
            "request_id": call.request_id,
            "code": code,
            "fault": fault,
            "parameters": json.dumps(_without_secrets(call), ensure_ascii=False),
            "effect": json.dumps(call.effect, ensure_ascii=False),
            "video_ids": json.dumps(call.video_ids),
        },
    )


def _without_secrets(call: Call) -> dict[str, str]:
    return {
        name: "***" if name in _SECRETS else value for name, value in call.parameters.values.items()
    }


def read_chunks(
    database: Database,
    *,
    operation: str = "",
    video_id: str = "",
    since: float = 0.0,
    accepted_only: bool = False,
) -> Iterator[list[dict[str, Any]]]:
    """Yield the entries as JSON objects, oldest first. Each chunk may be read by another thread."""
    filters: list[tuple[str, object]] = [("at >= ?", since)]
    if operation:
        filters.append(("operation = ?", operation))
    if video_id:
        filters.append(("EXISTS (SELECT 1 FROM json_each(video_ids) WHERE value = ?)", video_id))
    if accepted_only:
        filters.append(("code = ?", ""))
    conditions = " AND ".join(condition for condition, _ in filters)
    query = f"SELECT * FROM ledger WHERE id > ? AND {conditions} ORDER BY id LIMIT {_CHUNK}"
    values = [value for _, value in filters]
    last_id = 0
    while rows := database.reader().execute(query, (last_id, *values)).fetchall():
        yield [_as_json(row) for row in rows]
        last_id = rows[-1]["id"]


def _as_json(row: sqlite3.Row) -> dict[str, Any]:
    entry = dict(row)
    for name in ("parameters", "effect", "video_ids"):
        entry[name] = json.loads(entry[name])
    entry["is_accepted"] = not entry["code"]
    return entry
