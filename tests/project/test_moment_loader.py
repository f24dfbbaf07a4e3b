"""Moments in PostgreSQL's answers are read as Django reads them."""

from datetime import UTC, datetime

import psycopg
import pytest
from django.db import connection
from django.db.backends.postgresql.psycopg_any import BaseTzLoader

from shortvideo.bounded_postgresql.moments import MomentLoader

TEXTS = [
    "2026-03-01 12:00:00+00", "2026-03-01 12:00:00.5+00", "2026-03-01 12:00:00.000001+00",
    "0001-01-01 00:00:00+00", "9999-12-31 23:59:59.999999+00", "2024-02-29 23:59:59.12+00",
]  # fmt: skip


@pytest.fixture(autouse=True)
def _on_postgresql() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite answers with text.")


def read(text: str) -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", [text])
        moment: datetime = cursor.fetchone()[0]
    return moment


@pytest.mark.django_db
@pytest.mark.parametrize("text", TEXTS)
def test_a_moment_is_read_as_django_reads_it(text: str) -> None:
    class DjangosLoader(BaseTzLoader):  # type: ignore[misc]  # Django has no types for it
        timezone = UTC

    read_here = read(text)
    djangos = DjangosLoader(1184, connection.connection).load(text.encode())
    assert (read_here, read_here.tzinfo) == (djangos, UTC)


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["infinity", "12026-03-01 12:00:00+00"])
def test_a_moment_beyond_pythons_calendar_is_refused(text: str) -> None:
    with pytest.raises(psycopg.DataError):
        MomentLoader(1184, connection.connection).load(text.encode())
