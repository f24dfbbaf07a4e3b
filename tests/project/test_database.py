"""Which errors of a database are an outage (503), and which are defects of ours (500)."""

import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg.errors
import pytest
from django.db import (
    DatabaseError,
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
    ProgrammingError,
    connection,
    transaction,
)

from shortvideo.bounded_postgresql.base import DatabaseWrapper as BoundedPostgresql
from shortvideo.console.errors import envelope_of
from shortvideo.database import is_timeout, is_unavailable

on_postgresql = pytest.mark.skipif(
    "connection.vendor != 'postgresql'", reason="SQLite has no server that ends a session"
)


def caused(error: Exception, cause: Exception) -> Exception:
    """The error as Django raises it."""
    error.__cause__ = cause
    return error


def sqlite_error(statement: str, path: str = ":memory:") -> sqlite3.Error:
    """The error of a real statement."""
    with pytest.raises(sqlite3.Error) as caught:
        sqlite3.connect(path, timeout=0).execute(statement)
    return caught.value


@pytest.mark.parametrize(
    "error",
    [
        OperationalError("connection refused"),
        InterfaceError("connection already closed"),
        caused(OperationalError(), psycopg.errors.AdminShutdown()),
        caused(OperationalError(), psycopg.errors.TooManyConnections()),
        caused(InternalError(), psycopg.errors.IdleInTransactionSessionTimeout()),
        caused(InternalError(), psycopg.errors.ReadOnlySqlTransaction()),
        caused(InternalError(), psycopg.errors.DataCorrupted()),
        caused(OperationalError(), psycopg.errors.InvalidCatalogName()),
        caused(OperationalError(), psycopg.errors.DiskFull()),
        caused(OperationalError(), psycopg.errors.CannotConnectNow()),
        caused(OperationalError(), sqlite_error("SELECT 1", "/nowhere/at/all.sqlite3")),
    ],
)
def test_an_outage_is_503(error: Exception) -> None:
    assert is_unavailable(error)
    assert not is_timeout(error)
    assert (envelope_of(error).code, envelope_of(error).headers["Retry-After"]) == (503, "5")


@pytest.mark.parametrize("junk", [b"\0" * 4096, b"junk" * 4096, b"malformed"])
def test_a_file_that_is_no_database_is_an_outage(junk: bytes, tmp_path: Path) -> None:
    path = tmp_path / "db.sqlite3"
    with closing(sqlite3.connect(path)) as database:
        database.executescript("CREATE TABLE a (b); INSERT INTO a VALUES (1)")
    header = 100 if junk == b"malformed" else 0
    path.write_bytes(path.read_bytes()[:header] + junk)
    assert is_unavailable(caused(DatabaseError(), sqlite_error("SELECT * FROM a", str(path))))


MISSING_TABLE = [
    caused(OperationalError(), sqlite_error("SELECT * FROM missing")),
    caused(ProgrammingError(), psycopg.errors.UndefinedTable()),
]


@pytest.mark.parametrize("error", MISSING_TABLE)
@pytest.mark.django_db
def test_a_missing_table_of_a_wrong_query_is_a_defect(error: Exception) -> None:
    assert envelope_of(error).code == 500


@pytest.mark.parametrize("error", MISSING_TABLE)
@pytest.mark.django_db
def test_an_emptied_database_is_an_outage(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    emptied = tmp_path / "db.sqlite3"
    emptied.touch()
    values: dict[str, object] = {"NAME": str(emptied)}
    if connection.vendor == "postgresql":
        values = {"OPTIONS": {"options": "-c search_path=nowhere"}}
    for name, value in values.items():
        monkeypatch.setitem(connection.settings_dict, name, value)
    assert envelope_of(error).code == 503


@pytest.mark.parametrize(
    "error",
    [
        DatabaseError("?"),
        IntegrityError("duplicate"),
        ProgrammingError("syntax"),
        caused(InternalError(), psycopg.errors.InFailedSqlTransaction()),
        caused(OperationalError(), sqlite_error("SELECT missing")),
        ValueError("no"),
    ],
)
def test_a_wrong_query_is_a_defect(error: Exception) -> None:
    assert not is_unavailable(error)
    assert envelope_of(error).code == 500


def test_a_lock_of_another_program_is_a_timeout(tmp_path: Path) -> None:
    path = str(tmp_path / "locked.sqlite3")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    error = caused(OperationalError(), sqlite_error("CREATE TABLE a (b)", path))
    other.close()
    assert is_unavailable(error)
    assert is_timeout(error)


def idle_too_long() -> None:
    """Sleep in a transaction until PostgreSQL ends the session, then go on."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL idle_in_transaction_session_timeout = '50ms'")
        time.sleep(0.5)
        cursor.execute("SELECT 1")


@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_a_session_that_postgresql_ended_is_an_outage() -> None:
    with pytest.raises(DatabaseError) as caught:
        idle_too_long()
    connection.close()
    assert is_unavailable(caught.value)


@pytest.fixture
def silent_server() -> Iterator[socket.socket]:
    """A program that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


@pytest.mark.django_db
def test_a_silent_postgresql_is_an_outage(
    silent_server: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BoundedPostgresql, "_refuses_until", 0.0)
    host, port = silent_server.getsockname()
    options = {"connect_timeout": 2, "answer_timeout": 12}
    at = {"NAME": "a", "USER": "a", "PASSWORD": "", "HOST": host, "PORT": port, "OPTIONS": options}
    wrapper = BoundedPostgresql({**connection.settings_dict, **at, "TIME_ZONE": None})
    for _ in range(3):
        with pytest.raises(OperationalError) as caught:
            wrapper.ensure_connection()
        assert is_unavailable(caught.value)
    silent_server.accept()[0].close()
    with pytest.raises(BlockingIOError):
        silent_server.accept()  # the second and third did not try


@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_an_answer_of_postgresql_that_does_not_come_is_an_outage() -> None:
    wrapper = connection.copy()
    wrapper.settings_dict["OPTIONS"] = {**wrapper.settings_dict["OPTIONS"], "answer_timeout": 0.2}
    wrapper.ensure_connection()
    pid = wrapper.connection.info.backend_pid
    with pytest.raises(OperationalError) as caught, wrapper.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(20)")
    assert is_unavailable(caught.value)
    assert not wrapper.is_usable()
    wrapper.close()
    with wrapper.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
    wrapper.close()
