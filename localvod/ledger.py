"""The ledger: every signed call with its outcome and its effect, in order."""

import json
import sqlite3
import time
from typing import Any

from localvod.operations.registry import Call
from localvod.store.database import insert

SECRETS = frozenset({"AuthKey"})


def record(tx: sqlite3.Connection, call: Call, *, code: str = "", fault: str = "") -> None:
    """Write down a call; `code` is empty when it was accepted."""
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
        name: "***" if name in SECRETS else value for name, value in call.parameters.values.items()
    }


def entries(
    connection: sqlite3.Connection,
    *,
    operation: str = "",
    video_id: str = "",
    since: float = 0.0,
    accepted_only: bool = False,
    limit: int = 100_000,
) -> list[dict[str, Any]]:
    """Entries, oldest first, as JSON objects."""
    conditions, values = ["at >= ?"], [since]
    filters: list[tuple[str, object]] = [("operation = ?", operation)]
    filters.append(("EXISTS (SELECT 1 FROM json_each(video_ids) WHERE value = ?)", video_id))
    for condition, value in filters:
        if value:
            conditions.append(condition)
            values.append(value)  # type: ignore[arg-type]  # a mixed list of SQL values
    if accepted_only:
        conditions.append("code = ''")
    rows = connection.execute(
        f"SELECT * FROM ledger WHERE {' AND '.join(conditions)} ORDER BY id LIMIT ?",
        (*values, limit),
    )
    return [_as_json(row) for row in rows]


def _as_json(row: sqlite3.Row) -> dict[str, Any]:
    entry = dict(row)
    for name in ("parameters", "effect", "video_ids"):
        entry[name] = json.loads(entry[name])
    entry["is_accepted"] = not entry["code"]
    return entry
