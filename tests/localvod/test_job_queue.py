"""The queue of background jobs."""

import threading
from collections import Counter
from pathlib import Path
from unittest.mock import Mock

import pytest

from localvod.job_queue import JobKind, JobQueue
from localvod.media.ffmpeg import MediaError, run_ffmpeg
from localvod.store import Database
from localvod.store.database import insert, update
from tests.support.localvod import wait_until


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "state.sqlite3")


class Jobs:
    """Snapshot jobs whose `do` counts, and raises `error` if there is one."""

    def __init__(
        self, database: Database, error: Exception | None = None, *, job_seconds: float = 60
    ) -> None:
        self.database, self.error = database, error
        self.done: Counter[str] = Counter()
        self.failures: dict[str, MediaError] = {}
        self.queue = JobQueue(database, workers=2, job_seconds=job_seconds)
        database.after_commit = self.queue.submit_new
        self.queue.start(
            [
                JobKind(
                    "snapshots",
                    "SELECT id FROM snapshot_jobs WHERE status = 'processing'",
                    "SELECT id FROM snapshot_jobs WHERE video_id = ?",
                    self.do,
                    self.fail,
                )
            ]
        )

    def do(self, job_id: str, _: threading.Event) -> None:
        self.done[job_id] += 1
        if self.error:
            raise self.error
        self.end(job_id, "success")

    def fail(self, job_id: str, failure: MediaError) -> None:
        self.failures[job_id] = failure
        self.end(job_id, "fail")

    def end(self, job_id: str, status: str) -> None:
        with self.database.transaction() as tx:
            update(tx, "snapshot_jobs", job_id, status=status)

    def add(self, *ids: str) -> None:
        for job_id in ids:
            with self.database.transaction() as tx:
                job = {"id": job_id, "video_id": "v", "is_specified": 0, "creation_time": ""}
                insert(tx, "snapshot_jobs", {**job, "status": "processing"})
                self.queue.mark_new()

    def wait(self) -> None:
        wait_until(lambda: not self.queue.pending_count())
        self.queue.stop()


def test_a_job_is_done_once_while_others_are_added(database: Database) -> None:
    jobs, ids = Jobs(database), [f"job-{number}" for number in range(500)]
    jobs.add(*ids)
    jobs.wait()
    assert jobs.done == dict.fromkeys(ids, 1)
    assert not jobs.failures


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (MediaError("SnapshotFailed", "No picture."), "SnapshotFailed", "No picture."),
        (OSError("/secret/path is full"), "InternalError", "The job ended with an unexpected"),
    ],
)
def test_a_job_that_raises_fails_once(
    database: Database, error: Exception, code: str, sentence: str
) -> None:
    jobs = Jobs(database, error)
    jobs.add("one", "two")
    jobs.wait()
    assert jobs.done == {"one": 1, "two": 1}
    assert {failure.code for failure in jobs.failures.values()} == {code}
    assert all(failure.message.startswith(sentence) for failure in jobs.failures.values())


class EndlessJobs(Jobs):
    """Each job has ffmpeg work for ever, in parts that each are short."""

    def do(self, job_id: str, cancelled: threading.Event) -> None:
        while True:
            run_ffmpeg(["-f", "lavfi", "-i", "testsrc2=d=1", "-f", "null", "-"])


def test_a_job_that_takes_too_long_fails(database: Database) -> None:
    jobs = EndlessJobs(database, job_seconds=0.3)
    jobs.add("one")
    jobs.wait()
    assert jobs.failures["one"].code == "Timeout"
    assert jobs.failures["one"].message == "The work on the file took too long and was stopped."


def test_a_job_that_cannot_be_failed_is_not_done_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = Jobs(database, OSError("disk"))
    monkeypatch.setattr(jobs, "end", Mock(side_effect=OSError("disk")))
    jobs.add("one")
    wait_until(lambda: jobs.failures)
    jobs.error = None
    monkeypatch.undo()
    jobs.add("two")
    wait_until(lambda: jobs.done["two"] == 1 and jobs.queue.pending_count() == 1)
    jobs.queue.stop()
    assert jobs.done == {"one": 1, "two": 1}
