"""The queue of background jobs."""

import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from localvod.job_queue import JobKind, JobQueue
from localvod.store import Database
from localvod.store.database import insert, update


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "state.sqlite3")


def test_a_job_is_done_once_while_others_are_added(database: Database) -> None:
    done: Counter[str] = Counter()
    queue = JobQueue(database, workers=2)

    def do(job_id: str, _: threading.Event) -> None:
        done[job_id] += 1
        with database.transaction() as tx:
            update(tx, "snapshot_jobs", job_id, status="success")

    kind = JobKind(
        "snapshots",
        "SELECT id FROM snapshot_jobs WHERE status = 'processing'",
        "SELECT id FROM snapshot_jobs WHERE video_id = ?",
        do,
    )
    database.after_commit = queue.submit_new
    queue.start([kind])
    ids = [f"job-{number}" for number in range(500)]
    for job_id in ids:
        with database.transaction() as tx:
            job = {"id": job_id, "video_id": "v", "is_specified": 0, "creation_time": ""}
            insert(tx, "snapshot_jobs", {**job, "status": "processing"})
            queue.mark_new()
    while queue.pending_count():
        time.sleep(0.01)
    queue.stop()
    assert done == dict.fromkeys(ids, 1)
