"""What the control endpoints read and write without an operation."""

import dataclasses
import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from localvod.cloud import Cloud
from localvod.events import load_config

_JSON_COLUMNS = frozenset({"output", "parameters", "results", "result", "frames", "body"})


def video_state(cloud: Cloud, video_id: str) -> dict[str, Any] | None:
    """All rows of a video, also of a deleted one; None for an unknown id."""
    connection = cloud.database.reader()
    video = cloud.videos.find(connection, video_id)
    deleted = connection.execute(
        "SELECT deleted_at FROM deleted_videos WHERE id = ?", (video_id,)
    ).fetchone()
    if video is None and deleted is None:
        return None

    def rows(table: str, column: str = "video_id") -> list[dict[str, Any]]:
        query = f"SELECT * FROM {table} WHERE {column} = ? ORDER BY rowid"
        return [_as_json(row) for row in connection.execute(query, (video_id,))]

    return {
        "video": dataclasses.asdict(video) if video else None,
        "deleted_at": deleted["deleted_at"] if deleted else None,
        "transcode_tasks": rows("transcode_tasks"),
        "transcode_jobs": rows("transcode_jobs"),
        "snapshot_jobs": rows("snapshot_jobs"),
        "review_jobs": rows("review_jobs", "media_id"),
        "audits": rows("audits"),
        "objects": rows("objects"),
        "events": rows("events", "media_id"),
    }


def _as_json(row: sqlite3.Row) -> dict[str, Any]:
    return {
        name: json.loads(value) if name in _JSON_COLUMNS else value
        for name, value in dict(row).items()
    }


def describe_pending(cloud: Cloud) -> str:
    """How many jobs and events are pending, in words; '' if there are none."""
    jobs, events = cloud.jobs.pending_count(), cloud.events.waiting_count()
    return f"{jobs} jobs, {events} events" if jobs or events else ""


def list_events(cloud: Cloud, video_id: str) -> list[dict[str, Any]]:
    """The events of one video, or of all with an empty id."""
    rows = cloud.database.reader().execute(
        "SELECT * FROM events WHERE ? IN ('', media_id) ORDER BY id", (video_id,)
    )
    return [_as_json(row) for row in rows]


def queue_event(cloud: Cloud, url: str, body: Mapping[str, Any]) -> None:
    """Queue an event with any content for the given or the configured URL."""
    with cloud.database.transaction() as tx:
        media_id = str(body.get("VideoId") or body.get("MediaId") or "")
        event_type = str(body.get("EventType", ""))
        cloud.events.queue(tx, event_type, media_id, url or load_config(tx).url, body)


def store_file(cloud: Cloud, key: str, target: Path, content: bytes) -> None:
    """Store a file that belongs to no video."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    part.write_bytes(content)
    part.replace(target)
    with cloud.database.transaction() as tx:
        tx.execute(
            "INSERT OR REPLACE INTO objects (object_key, video_id, kind) VALUES (?, '', 'file')",
            (key,),
        )
