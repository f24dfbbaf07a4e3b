"""Transcoding tasks in localvod's database that the test begins and ends, in any order.

localvod itself ends the tasks of a video without media at once.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from localvod import clock
from localvod.store.media_rows import (
    compute_output,
    insert_stream,
    insert_transcode_job,
    insert_transcode_task,
)
from localvod.store.videos import Video as StoredVideo
from localvod.store.videos import from_row
from localvod.templates import groups
from shortvideo.cloud.types import MediaPath
from tests.support.localvod import LocalVod

STANDARD, NARROWBAND = "standard-template-group", "narrowband-template-group"
GROUPS = groups(STANDARD, NARROWBAND)


@dataclass(frozen=True, slots=True)
class Task:
    """A running task; each of its jobs makes a stream."""

    vod: LocalVod
    vod_id: str
    task_id: str
    job_ids: tuple[str, ...]

    def end(self) -> list[MediaPath]:
        """End all jobs. Returns the paths of the streams; none if the video was deleted."""
        paths = [path for job_id in self.job_ids if (path := self.end_job(job_id))]
        with transaction_in(self.vod) as tx:
            now = clock.now_text()
            tx.execute(
                "UPDATE transcode_tasks SET status = 'CompleteAllSucc', complete_time = ? "
                "WHERE id = ?", (now, self.task_id),
            )  # fmt: skip
        return paths

    def end_job(self, job_id: str) -> MediaPath | None:
        """End one job. Returns the path of its stream."""
        with transaction_in(self.vod) as tx:
            video = _find(tx, self.vod_id)
            job = tx.execute("SELECT * FROM transcode_jobs WHERE id = ?", (job_id,)).fetchone()
            if video is None or job is None:
                return None
            template = next(
                item
                for group in GROUPS.values()
                for item in group.templates
                if item.id == job["template_id"]
            )
            if job["status"] == "Transcoding":
                tx.execute(
                    "UPDATE transcode_jobs SET status = 'TranscodeSuccess', progress = 100, "
                    "output = ?, complete_time = ? WHERE id = ?",
                    (json.dumps(compute_output(video, template)), clock.now_text(), job_id),
                )
                insert_stream(tx, video, job["object_key"])
            return MediaPath(f"{self.vod.endpoint}/{job['object_key']}")

    @property
    def event(self) -> dict[str, Any]:
        """The event of its end."""
        return {
            "EventType": "TranscodeComplete",
            "EventTime": clock.now_text(),
            "VideoId": self.vod_id,
            "Status": "success",
        }


def begin_task(vod: LocalVod, vod_id: str, *, group: str = STANDARD, trigger: str = "Auto") -> Task:
    """Begin a task in VOD, as an upload or VOD's console does."""
    with transaction_in(vod) as tx:
        video = _find(tx, vod_id)
        assert video is not None
        task_id = insert_transcode_task(tx, video, group_id=group, trigger=trigger)
        jobs = [
            insert_transcode_job(tx, task_id, video, template)["id"]
            for template in GROUPS[group].templates
        ]
    return Task(vod, vod_id, task_id, tuple(jobs))


@contextmanager
def transaction_in(vod: LocalVod) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(vod.state_folder / "localvod.sqlite3", timeout=20)
    connection.row_factory = sqlite3.Row
    try:
        with connection:
            yield connection
    finally:
        connection.close()


def _find(tx: sqlite3.Connection, vod_id: str) -> StoredVideo | None:
    row = tx.execute("SELECT * FROM videos WHERE id = ?", (vod_id,)).fetchone()
    return from_row(row) if row is not None else None
