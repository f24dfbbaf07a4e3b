"""Rows of the table `videos`, and what a row says."""

import dataclasses
import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from localvod import clock
from localvod.store.database import insert, update

UPLOADING, UPLOADED, TRANSCODING = "uploading", "uploaded", "transcoding"
FAILED, READY = "failed", "ready"
STAGE_STATUS = {
    UPLOADING: "Uploading",
    UPLOADED: "UploadSucc",
    TRANSCODING: "Transcoding",
    FAILED: "TranscodeFail",
}
_STATUS_STAGE = {status: stage for stage, status in STAGE_STATUS.items()}
_LISTS = ("snapshots", "sprites")


@dataclass(frozen=True, slots=True)
class Video:
    """One video with all that VOD knows of it; the schema has the units."""

    id: str
    title: str
    status: str
    stage: str
    creation_time: str
    modification_time: str
    description: str = ""
    tags: str = ""
    cate_id: int | None = None
    cover_url: str = ""
    audit_status: str | None = None
    size: int = 0
    duration: float = 0.0
    width: int = 0
    height: int = 0
    fps: float = 0.0
    bitrate: int = 0
    template_group_id: str = ""
    storage_location: str = ""
    app_id: str = "app-1000000"
    reference_id: str | None = None
    user_data: str = ""
    file_name: str = ""
    source_key: str = ""
    source_md5: str = ""
    source_version: int = 0
    source_time: str = ""
    is_ingested: int = 0
    snapshots: tuple[str, ...] = ()
    sprites: tuple[str, ...] = ()
    verdict: str = ""
    fail_jobs: str = ""

    @property
    def tag_list(self) -> list[str]:
        return [tag.strip() for tag in self.tags.split(",") if tag.strip()]


def status_of(stage: str, audit_status: str | None, *, before_publish: bool) -> str:
    """The status that clients see; `before_publish`: an upload waits for a review."""
    if audit_status == "Blocked" and stage != UPLOADING:
        return "Blocked"
    if stage == READY:
        return "Normal" if audit_status == "Normal" or not before_publish else "Checking"
    return STAGE_STATUS[stage]


def stage_of(status: str) -> str:
    """The stage of a finished or seeded video with this status."""
    return _STATUS_STAGE.get(status, READY)


def from_row(row: sqlite3.Row) -> Video:
    values: dict[str, Any] = dict(row)
    for name in _LISTS:
        values[name] = tuple(json.loads(values[name]))
    return Video(**values)


def _columns(values: Mapping[str, object]) -> dict[str, object]:
    """Values as the table stores them: lists as JSON text."""
    return {name: json.dumps(value) if name in _LISTS else value for name, value in values.items()}


def find_stored_video(connection: sqlite3.Connection, video_id: str) -> Video | None:
    row = connection.execute("SELECT * FROM videos WHERE id = ?", (video_id,)).fetchone()
    return None if row is None else from_row(row)


def insert_video(tx: sqlite3.Connection, video: Video) -> None:
    values = {item.name: getattr(video, item.name) for item in dataclasses.fields(video)}
    insert(tx, "videos", _columns(values))


def update_video(tx: sqlite3.Connection, video: Video, **changes: Any) -> Video:
    """Write the named columns of a stored video, and its modification time."""
    changes.setdefault("modification_time", clock.now_text())
    update(tx, "videos", video.id, **_columns(changes))
    return dataclasses.replace(video, **changes)


def known_ids(connection: sqlite3.Connection, ids: Iterable[str]) -> set[str]:
    """Those of the ids that have a row, of a stored or of a deleted video."""
    wanted = list(ids)
    marks = ", ".join("?" * len(wanted))
    rows = connection.execute(
        f"SELECT id FROM videos WHERE id IN ({marks}) "
        f"UNION ALL SELECT id FROM deleted_videos WHERE id IN ({marks})",
        (*wanted, *wanted),
    )
    return {row["id"] for row in rows}
