"""Django's SQLite backend with another way of waiting for the write lock.

SQLite's own busy handler sleeps up to 100 ms between two tries. Example: a bulk sync commits and
begins its next transaction 5 ms later. The busy handler sleeps through this gap again and again,
and a callback that writes one row waits for seconds. Here a writer retries every few milliseconds.

The busy handler also holds the mutex of its connection while it sleeps. Python's garbage collector
may free a cursor of that connection in any thread, also in the thread that has the write lock. Then
both threads wait for each other until the timeout, and all other writers with them. Therefore no
thread sleeps inside SQLite here.

Few requests of a web server wait for long (`WriteGate`): its other threads are free for reads.

`executemany()` outside a transaction does not retry: it would repeat the rows already written.

Only `migrate` makes a file. Where it was moved away, an empty new one would hide that.
"""

import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from random import SystemRandom
from threading import Lock
from typing import Any, Final, TypeVar

from django.db.backends.sqlite3 import base

_RETRY_SECONDS: Final = (0.001, 0.004)  # a random pause, so that no writer is always last
_PRIMARY_CODE: Final = 0xFF  # the lowest byte of SQLite's error code says busy, the others why
_TABLES: Final = "SELECT count(*), coalesce(max(name = 'django_migrations'), 0) FROM sqlite_master"
_HAS_OWN_MIGRATIONS: Final = "SELECT count(*) FROM django_migrations WHERE app = 'accounts'"
# Of the patience of a request that has waited for a thread: a gap between two short transactions.
_LEAST_SECONDS: Final = 0.1
# A lock that the process waits for so long is stuck. Bulk writes keep it for 0.05 seconds.
_STUCK_SECONDS: Final = 0.5
_random = SystemRandom()
# When the work began that the thread does (time.monotonic()): its waits for the lock end `timeout`
# seconds later. None: each statement may wait that long.
work_began: ContextVar[float | None] = ContextVar("work_began", default=None)

Result = TypeVar("Result")


class WriteGate:
    """Who of this process waits for the lock.

    Example: another program keeps the lock, and 24 requests write in a server with 4 threads. Two
    (`places`) wait until their time is over. The others give up as soon as nobody here has got the
    lock for `_STUCK_SECONDS`. Later ones give up at once, so that reads find a thread.
    """

    def __init__(self) -> None:
        self.places = sys.maxsize
        self.waiting = 0
        self._placed = 0
        self._stuck_since = 0.0
        self._mutex = Lock()

    @contextmanager
    def wait(self) -> Iterator[Callable[[], bool]]:
        """Wait in the block, which ends with the lock or raises. Yields whether to give up."""
        with self._mutex:
            if not self.waiting:
                self._stuck_since = time.monotonic()
            self.waiting += 1
            has_place = self._placed < self.places
            self._placed += has_place
        try:
            yield lambda: not has_place and self._is_stuck()
            self._stuck_since = time.monotonic()
        finally:
            with self._mutex:
                self.waiting -= 1
                self._placed -= has_place

    def _is_stuck(self) -> bool:
        return time.monotonic() - self._stuck_since >= _STUCK_SECONDS


write_gate: Final = WriteGate()


class DatabaseWrapper(base.DatabaseWrapper):
    """Named by `ENGINE`. Takes the options of Django's SQLite backend."""

    _is_impatient = False
    _mode = "rw"

    @property
    def _path(self) -> Path | None:
        """The file; None for a database in memory and for a URI of SQLite."""
        name = str(self.settings_dict["NAME"])
        return None if name.startswith((":memory:", "file:")) else Path(name).absolute()

    def prepare_database(self) -> None:
        """Make the file if it is missing: `migrate` calls this."""
        self._mode = "rwc"
        try:
            self.ensure_connection()
        finally:
            self._mode = "rw"

    def get_connection_params(self) -> dict[str, Any]:
        params: dict[str, Any] = super().get_connection_params()
        if path := self._path:
            params["database"] = f"{path.as_uri()}?mode={self._mode}"
        return params

    def get_new_connection(self, conn_params: dict[str, Any]) -> sqlite3.Connection:
        connection: sqlite3.Connection = super().get_new_connection(conn_params)
        if _is_empty_or_ours(connection):
            connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA busy_timeout = 0")
        return connection

    def create_cursor(self, name: str | None = None) -> "_RetryingCursor":
        cursor: _RetryingCursor = self.connection.cursor(
            factory=partial(_RetryingCursor, wrapper=self)
        )
        return cursor

    @property
    def lock_timeout_seconds(self) -> float:
        """Seconds that a statement waits for the lock: 0 in a transaction, which has it already."""
        if self._is_impatient or self.in_atomic_block:
            return 0.0
        seconds = float(self.settings_dict["OPTIONS"]["timeout"])
        began = work_began.get()
        if began is None:
            return seconds
        return min(seconds, max(began + seconds - time.monotonic(), _LEAST_SECONDS))

    @contextmanager
    def without_waiting(self) -> Iterator[None]:
        """Statements of the block raise OperationalError where they would wait for the lock."""
        self._is_impatient = True
        try:
            yield
        finally:
            self._is_impatient = False


class _RetryingCursor(base.SQLiteCursorWrapper):
    """Retries a statement, BEGIN included, while another connection has the lock."""

    def __init__(self, connection: sqlite3.Connection, *, wrapper: DatabaseWrapper) -> None:
        super().__init__(connection)
        self._wrapper = wrapper

    def execute(self, query: str, params: Any = None) -> Any:
        """Raises sqlite3.OperationalError if the lock is not free within `timeout` seconds."""
        return _retry_while_busy(
            partial(super().execute, query, params), self._wrapper.lock_timeout_seconds
        )


def _retry_while_busy(statement: Callable[[], Result], seconds: float) -> Result:
    ends_at = time.monotonic() + seconds
    try:
        return statement()
    except sqlite3.OperationalError as error:
        if not _is_busy(error) or not seconds:
            raise
    with write_gate.wait() as has_to_give_up:
        while True:
            time.sleep(_random.uniform(*_RETRY_SECONDS))
            try:
                return statement()
            except sqlite3.OperationalError as error:
                is_over = time.monotonic() >= ends_at or has_to_give_up()
                if not _is_busy(error) or is_over:
                    raise


def _is_empty_or_ours(connection: sqlite3.Connection) -> bool:
    """Whether the mode may be written into the file. `migrate` refuses that of another program."""
    [(table_count, has_migrations)] = connection.execute(_TABLES)
    if not has_migrations:
        return bool(table_count == 0)
    [(own_count,)] = connection.execute(_HAS_OWN_MIGRATIONS)
    return bool(own_count)


def _is_busy(error: sqlite3.OperationalError) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE == sqlite3.SQLITE_BUSY
