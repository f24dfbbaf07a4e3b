"""A database that cannot be used now: which errors mean it, and how not to wait for it."""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psycopg.errors
from django.db import (
    DEFAULT_DB_ALIAS,
    DatabaseError,
    InterfaceError,
    OperationalError,
    connections,
    transaction,
)
from django.db.migrations.recorder import MigrationRecorder

from shortvideo.fair_sqlite.base import DatabaseWrapper as FairSqlite

_TIMEOUTS = (psycopg.errors.QueryCanceled, psycopg.errors.LockNotAvailable)
# Django's InternalError otherwise means a defect.
_STATES_OF_SERVER = (
    psycopg.errors.IdleInTransactionSessionTimeout,
    psycopg.errors.ReadOnlySqlTransaction,  # after a failover: this is a standby
    psycopg.errors.DataCorrupted,
    psycopg.errors.IndexCorrupted,
)
_STATES_OF_FILE = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)  # Django's DatabaseError


def is_unavailable(error: BaseException | None) -> bool:
    """Whether the database is gone, locked or overloaded, rather than the query wrong."""
    if not isinstance(error, DatabaseError | InterfaceError):
        return False
    cause = error.__cause__
    if _is_without_table(cause):
        return _is_emptied()
    if isinstance(cause, sqlite3.OperationalError):
        # SQLITE_ERROR: no such column, for example. The others are about the file and its locks.
        return _primary_code(cause) != sqlite3.SQLITE_ERROR
    if isinstance(cause, sqlite3.DatabaseError):
        return _primary_code(cause) in _STATES_OF_FILE
    return isinstance(error, OperationalError | InterfaceError) or isinstance(
        cause, _STATES_OF_SERVER
    )


def is_timeout(error: BaseException) -> bool:
    """Whether SQLite or PostgreSQL cut off a query or its wait for a lock: nothing changed."""
    cause = error.__cause__
    if isinstance(cause, sqlite3.OperationalError):
        return _primary_code(cause) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_INTERRUPT)
    return isinstance(cause, _TIMEOUTS)


@contextmanager
def without_waiting() -> Iterator[None]:
    """A transaction that raises OperationalError where it would wait for a lock."""
    with ExitStack() as stack:
        backend = connections[DEFAULT_DB_ALIAS]
        if isinstance(backend, FairSqlite):
            stack.enter_context(backend.without_waiting())
        stack.enter_context(transaction.atomic())
        if backend.vendor == "postgresql":
            with backend.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '10ms'")
        yield


def _is_without_table(cause: BaseException | None) -> bool:
    if isinstance(cause, sqlite3.OperationalError):
        return str(cause).startswith("no such table")
    return isinstance(cause, psycopg.errors.UndefinedTable)


def _is_emptied() -> bool:
    """Whether the database has lost all, rather than lacks the table of a wrong query.

    It has no table of migrations then. A new connection looks: a transaction of the old one failed.
    """
    fresh = connections[DEFAULT_DB_ALIAS].copy()
    try:
        return MigrationRecorder.Migration._meta.db_table not in fresh.introspection.table_names()
    except DatabaseError:
        return True
    finally:
        fresh.close()


def describe(error: BaseException) -> str:
    """One line for the log."""
    return " ".join(f"{type(error).__name__}: {error}".split())


def _primary_code(error: sqlite3.Error) -> int:
    """SQLite's error code without its upper bytes, which say more about it."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
