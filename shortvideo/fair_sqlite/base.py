"""Django's SQLite backend, but for how a writer waits for the write lock.

SQLite's own busy handler sleeps up to 100 ms between two looks. Beside a writer that begins its
next transaction a few milliseconds after the last, such as a bulk sync, it finds the lock taken
again and again, and a callback's single row waits for seconds. Here a writer looks every few
milliseconds.

And while the busy handler sleeps it holds the mutex of its connection. Python's garbage collector
may free a cursor of that connection in any thread, also in the one that has the write lock: then
each waits for the other until the time is up, and everybody else with them. Here nobody sleeps
within SQLite.

`executemany()` outside a transaction does not wait: what it has done until then would be repeated.
"""

import sqlite3
import time
from collections.abc import Callable
from functools import partial
from random import SystemRandom
from typing import Any, Final, TypeVar

from django.db.backends.sqlite3 import base

LOOK_SECONDS: Final = (0.001, 0.004)  # between two looks; at random, so that none is always last
ALL_KINDS: Final = 0xFF  # of SQLite's codes: the lowest byte says busy, the others why
_random = SystemRandom()

Result = TypeVar("Result")


class DatabaseWrapper(base.DatabaseWrapper):
    """Used through `ENGINE`; the options are those of Django's backend."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> sqlite3.Connection:
        connection: sqlite3.Connection = super().get_new_connection(conn_params)
        connection.execute("PRAGMA busy_timeout = 0")
        return connection

    def create_cursor(self, name: str | None = None) -> "WaitingCursor":
        cursor: WaitingCursor = self.connection.cursor(factory=partial(WaitingCursor, wrapper=self))
        return cursor

    @property
    def patience_seconds(self) -> float:
        """How long a statement waits for the lock; within a transaction it is there already."""
        return 0.0 if self.in_atomic_block else float(self.settings_dict["OPTIONS"]["timeout"])


class WaitingCursor(base.SQLiteCursorWrapper):
    """A statement, BEGIN among them, that finds the lock taken is tried again."""

    def __init__(self, connection: sqlite3.Connection, *, wrapper: DatabaseWrapper) -> None:
        super().__init__(connection)
        self._wrapper = wrapper

    def execute(self, query: str, params: Any = None) -> Any:
        """Raises sqlite3.OperationalError after `timeout` seconds."""
        return patiently(partial(super().execute, query, params), self._wrapper.patience_seconds)


def patiently(statement: Callable[[], Result], seconds: float) -> Result:
    ends_at = time.monotonic() + seconds
    while True:
        try:
            return statement()
        except sqlite3.OperationalError as error:
            if not is_busy(error) or time.monotonic() >= ends_at:
                raise
        time.sleep(_random.uniform(*LOOK_SECONDS))


def is_busy(error: sqlite3.OperationalError) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & ALL_KINDS == sqlite3.SQLITE_BUSY
