"""Work that goes on after a call was answered: what waits in the database, run in a pool.

The rows are the queue. What a process leaves unfinished, the next one starts again.
"""

import logging
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING

from localvod.jobs import ingest, reviews, snapshots, transcoding
from localvod.media.pool import Pool, PoolFullError

if TYPE_CHECKING:
    from localvod.cloud import Cloud

logger = logging.getLogger(__name__)

Runner = Callable[["Cloud", str, threading.Event], None]

# What waits, by kind: the query of its ids, and the function that does one.
_KINDS: tuple[tuple[str, str, Runner], ...] = (
    (
        "ingest",
        "SELECT id FROM videos WHERE is_ingested = 0 AND source_version > 0 ORDER BY creation_time",
        ingest.run,
    ),
    (
        "snapshots",
        "SELECT id FROM snapshot_jobs WHERE status = 'processing' ORDER BY rowid",
        snapshots.run,
    ),
    (
        "review",
        "SELECT id FROM review_jobs WHERE status IN ('init', 'processing') ORDER BY rowid",
        reviews.run,
    ),
    (
        "transcode",
        "SELECT id FROM transcode_jobs WHERE status = 'Transcoding' ORDER BY priority DESC, rowid",
        transcoding.run,
    ),
)


class Jobs:
    """Hands waiting rows to the media pool, each once."""

    def __init__(self, cloud: "Cloud") -> None:
        self._cloud = cloud
        self._lock = threading.Lock()
        self._claimed: dict[tuple[str, str], threading.Event] = {}
        self._is_stopping = False
        self._has_fresh = False
        self._pool = Pool(cloud.settings.workers)

    def mark(self) -> None:
        """Note, inside a transaction, that it adds work; `wake` after the commit starts it."""
        self._has_fresh = True

    def wake(self) -> None:
        """Start what waits, if something was added since the last time."""
        if self._has_fresh:
            self._has_fresh = False
            self.start_waiting()

    def start_waiting(self) -> None:
        """Look for all waiting rows and hand those to the pool that it does not have yet."""
        connection = self._cloud.database.read()
        for kind, query, runner in _KINDS:
            for row in connection.execute(query).fetchall():
                self._start(kind, row["id"], runner)

    def _start(self, kind: str, row_id: str, runner: Runner) -> None:
        key, cancelled = (kind, row_id), threading.Event()
        with self._lock:
            if self._is_stopping or key in self._claimed:
                return
            self._claimed[key] = cancelled
        try:
            future = self._pool.submit(self._run, runner, row_id, cancelled)
        except PoolFullError:
            self._release(key)  # stays in the database; the end of another job comes back to it
            return
        future.add_done_callback(lambda done: self._done(key, done))

    def _run(self, runner: Runner, row_id: str, cancelled: threading.Event) -> None:
        runner(self._cloud, row_id, cancelled)

    def _done(self, key: tuple[str, str], future: "Future[None]") -> None:
        self._release(key)
        if future.cancelled() or self._is_stopping:
            return
        error = future.exception()
        if error is not None:
            logger.error("media job %s %s broke", *key, exc_info=error)
        elif not self._is_stopping:
            self.mark()
            self.wake()

    def _release(self, key: tuple[str, str]) -> None:
        with self._lock:
            self._claimed.pop(key, None)

    def cancel(self, tx: sqlite3.Connection, video_id: str) -> None:
        """Stop what runs for a video that is being deleted, and forget what waits."""
        for kind, table, column in (
            ("transcode", "transcode_jobs", "video_id"),
            ("snapshots", "snapshot_jobs", "video_id"),
            ("review", "review_jobs", "media_id"),
        ):
            for row in tx.execute(f"SELECT id FROM {table} WHERE {column} = ?", (video_id,)):
                self._cancel((kind, row["id"]))
        self._cancel(("ingest", video_id))

    def _cancel(self, key: tuple[str, str]) -> None:
        with self._lock:
            if key in self._claimed:
                self._claimed[key].set()

    def pending_count(self) -> int:
        """How many jobs run or wait."""
        connection = self._cloud.database.read()
        waiting = sum(len(connection.execute(query).fetchall()) for _, query, _ in _KINDS)
        with self._lock:
            return max(waiting, len(self._claimed))

    def stop(self) -> None:
        """Kill what runs; it is done again by the next process."""
        with self._lock:
            self._is_stopping = True
            for cancelled in self._claimed.values():
                cancelled.set()
        self._pool.shutdown()

    def abandon(self) -> None:
        """Kill what runs and begin with an empty pool."""
        self.stop()
        with self._lock:
            self._claimed.clear()
            self._is_stopping = False
        self._pool = Pool(self._cloud.settings.workers)
