"""Access to the SQLite file: one short write transaction at a time, and reads beside it."""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from localvod.folders import make_private
from localvod.store.schema import SCHEMA, UPGRADES, VERSION

Row = sqlite3.Row


class StateError(ValueError):
    """The file cannot be used; the message is one sentence and names its folder."""


class CommitFlag(threading.local):
    """Set inside a transaction, taken in `after_commit` of the same thread.

    One flag for all threads would lose work: the end of one transaction could take the flag that
    another one, not yet committed, has just set.
    """

    is_set = False

    def take(self) -> bool:
        """Whether it was set since the last call."""
        was_set, self.is_set = self.is_set, False
        return was_set


class Database:
    """One SQLite file in WAL mode. Safe to use from any thread."""

    def __init__(self, path: Path) -> None:
        """Open the file; create or upgrade it if necessary.

        Raises StateError for a file of a later version, and leaves the file as it is.
        """
        make_private(path.parent)
        self._path = path
        self.after_commit: Callable[[], None] = lambda: None
        self._local = threading.local()
        self._lock = threading.Lock()
        self._writer = self._connect()
        self._upgrade()
        self._writer.executescript(SCHEMA)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=20, isolation_level=None, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        # NORMAL: the end of the process loses nothing, a power cut may lose the last transactions.
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection

    def _upgrade(self) -> None:
        """Run all steps to the present version, or none; version 0 is a file without tables."""
        with self.transaction() as tx:
            found: int = tx.execute("PRAGMA user_version").fetchone()[0]
            if found > VERSION:
                raise StateError(
                    f"The state in {self._path.parent} was written by a later version (schema "
                    f"{found}, this one knows {VERSION}): start that version, or begin afresh by "
                    "moving the folder away (the demo: `python3 run.py demo --reset`)."
                )
            for version in range(found or VERSION, VERSION):
                for statement in UPGRADES[version]:
                    tx.execute(statement)
            tx.execute(f"PRAGMA user_version = {VERSION}")

    def reader(self) -> sqlite3.Connection:
        """The thread's own connection for reading."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._connect()
        return connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """The writing connection, inside a transaction; an exception rolls it back."""
        with self._lock:
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
            except BaseException:
                self._writer.execute("ROLLBACK")
                raise
            self._writer.execute("COMMIT")
        self.after_commit()

    def clear(self) -> None:
        """Delete all rows."""
        with self.transaction() as tx:
            tables = tx.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            ).fetchall()
            for table in tables:
                tx.execute(f"DELETE FROM {table['name']}")


# Table and column names come from localvod's own code, never from a request.


def insert(tx: sqlite3.Connection, table: str, row: Mapping[str, object]) -> int:
    """Insert one row; returns its rowid."""
    columns = ", ".join(row)
    marks = ", ".join("?" * len(row))
    cursor = tx.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", tuple(row.values()))
    return int(cursor.lastrowid or 0)


def update(tx: sqlite3.Connection, table: str, row_id: str | int, **changes: object) -> None:
    """Change columns of the row with this id."""
    assignments = ", ".join(f"{column} = ?" for column in changes)
    tx.execute(f"UPDATE {table} SET {assignments} WHERE id = ?", (*changes.values(), row_id))
