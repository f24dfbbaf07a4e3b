"""Background jobs: waiting rows of the database, done in the media pool.

The rows are the queue: a job cut off when the process ends runs again in the next process.
"""

import logging
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from localvod.media.ffmpeg import MediaError, limited_time
from localvod.media.pool import Pool, PoolFullError
from localvod.store import CommitFlag, Database

logger = logging.getLogger(__name__)

_JOB_SECONDS = 900.0
_UNEXPECTED = "The job ended with an unexpected error; the log of localvod says which."


@dataclass(frozen=True, slots=True)
class JobKind:
    """One kind of job: two SQL queries for job ids, and two functions of one job.

    `do` gets the id, and an event that is set when the job is cancelled. `fail` records that the
    job, which `do` left waiting, has failed.
    """

    name: str
    waiting_sql: str
    of_video_sql: str  # ids of the jobs of one video, waiting or not; takes the video's id
    do: Callable[[str, threading.Event], None]
    fail: Callable[[str, MediaError], None]


class JobQueue:
    """Submits waiting rows to the media pool, each once. Nothing runs before `start`."""

    def __init__(self, database: Database, workers: int, job_seconds: float = _JOB_SECONDS) -> None:
        self._database = database
        self._workers = workers
        self._job_seconds = job_seconds
        self._kinds: Sequence[JobKind] = ()
        self._lock = threading.Lock()
        self._claimed: dict[tuple[str, str], threading.Event] = {}
        self._is_stopping = False
        self._has_new = CommitFlag()
        self._pool = Pool(workers)

    def start(self, kinds: Sequence[JobKind]) -> None:
        """Start the jobs of these kinds, also those that an earlier process left."""
        self._kinds = kinds
        self._submit_waiting()

    def mark_new(self) -> None:
        """Record that the transaction adds a job; `submit_new` follows after its commit."""
        self._has_new.is_set = True

    def submit_new(self) -> None:
        """Submit the waiting jobs if a transaction added one since the last call."""
        if self._has_new.take():
            self._submit_waiting()

    def _submit_waiting(self) -> None:
        for kind in self._kinds:
            for row_id, cancel_event in self._claim_waiting(kind).items():
                self._submit(kind, row_id, cancel_event)

    def _claim_waiting(self, kind: JobKind) -> dict[str, threading.Event]:
        """Claim the waiting jobs that are not claimed; returns the event that cancels each."""
        # Read inside the lock: a job read before it can be done and released by now.
        with self._lock:
            if self._is_stopping:
                return {}
            rows = self._database.reader().execute(kind.waiting_sql).fetchall()
            ids = [row["id"] for row in rows if (kind.name, row["id"]) not in self._claimed]
            claimed = {row_id: threading.Event() for row_id in ids}
            self._claimed.update({(kind.name, row_id): claimed[row_id] for row_id in ids})
        return claimed

    def _submit(self, kind: JobKind, row_id: str, cancel_event: threading.Event) -> None:
        key = (kind.name, row_id)
        try:
            future = self._pool.submit(self._run, kind, row_id, cancel_event)
        except PoolFullError:
            self._release(key)  # the row waits until another job ends or is added
            return
        future.add_done_callback(lambda done: self._finish(key, done))

    def _run(self, kind: JobKind, row_id: str, cancel_event: threading.Event) -> None:
        """Do one job; its row fails if it raises, so that no job is done again and again."""
        try:
            with limited_time(self._job_seconds):
                kind.do(row_id, cancel_event)
        except MediaError as error:
            failure = error
        except Exception:
            if not cancel_event.is_set():
                logger.exception("media job %s %s failed", kind.name, row_id)
            failure = MediaError("InternalError", _UNEXPECTED)
        else:
            return
        if not cancel_event.is_set():
            kind.fail(row_id, failure)

    def _finish(self, key: tuple[str, str], future: "Future[None]") -> None:
        error = None if future.cancelled() else future.exception()
        if error is None:
            self._release(key)
        else:  # its row still waits: the job stays claimed until the next process
            logger.error("media job %s %s could not be failed", *key, exc_info=error)
        if not future.cancelled() and not self._is_stopping:
            self._submit_waiting()

    def _release(self, key: tuple[str, str]) -> None:
        with self._lock:
            self._claimed.pop(key, None)

    def cancel_video(self, tx: sqlite3.Connection, video_id: str) -> None:
        """Cancel the jobs of a video; the caller deletes their rows."""
        for kind in self._kinds:
            for row in tx.execute(kind.of_video_sql, (video_id,)):
                with self._lock:
                    cancel_event = self._claimed.get((kind.name, row["id"]))
                if cancel_event is not None:
                    cancel_event.set()

    def pending_count(self) -> int:
        """How many jobs run or wait."""
        connection = self._database.reader()
        waiting = sum(len(connection.execute(kind.waiting_sql).fetchall()) for kind in self._kinds)
        with self._lock:
            return max(waiting, len(self._claimed))

    def stop(self) -> None:
        """Kill the running jobs; the next process does them again."""
        with self._lock:
            self._is_stopping = True
            for cancel_event in self._claimed.values():
                cancel_event.set()
        self._pool.shutdown()

    def restart(self) -> None:
        """Kill the running jobs; jobs added from now on run in a new pool."""
        self.stop()
        with self._lock:
            self._claimed.clear()
            self._is_stopping = False
        self._pool = Pool(self._workers)
