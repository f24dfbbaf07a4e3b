"""pytest plugin: empty the database quickly after a test that commits.

Django's flush emits `post_migrate`, whose receivers write content types, permissions and roles anew
(283 queries). Here these rows and the triggers of the append-only log stay. Django's flush runs
after the first test, and after a test that changed them.
"""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from typing import Any, Final

import pytest
from django.db import OperationalError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import TransactionTestCase
from psycopg.errors import DeadlockDetected

from videos.models import VideoCount, append_only

# Written by `post_migrate`. They reference each other, and no table that is emptied.
KEPT_TABLES: Final = (
    "django_content_type",
    "auth_permission",
    "auth_group",
    "auth_group_permissions",
)
DEADLOCKS: Final = 5  # more in a row are an error


@pytest.fixture(autouse=True, scope="session")
def _flush_is_quick() -> Iterator[None]:
    django_flush = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]  # the stubs lack it
    kept: dict[str, object] = {}  # by database: what Django's last flush left

    def flush(case: Any) -> None:
        databases = case._databases_names(include_mirrors=False)
        if all(_flush_patiently(using, kept.get(using)) for using in databases):
            return
        with append_only.suspended():
            django_flush(case)
        for using in databases:
            kept[using] = _kept_state(connections[using])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", flush)
        yield


def _flush_patiently(using: str, kept: object) -> bool:
    """`_flush_others`, again where a thread that still writes holds a lock that we wait for."""
    for _attempt in range(DEADLOCKS - 1):
        try:
            return _flush_others(using, kept)
        except OperationalError as error:
            if not isinstance(error.__cause__, DeadlockDetected):
                raise
    return _flush_others(using, kept)


def _flush_others(using: str, kept: object) -> bool:
    """Empty the other tables. False, and nothing is done, where the kept state is not `kept`."""
    connection = connections[using]
    with transaction.atomic(using):
        tables = [
            table
            for table in connection.introspection.django_table_names(
                only_existing=True, include_views=False
            )
            if table not in KEPT_TABLES
        ]
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                # Threads and workers that still write end first: what they commit is deleted too.
                # On SQLite the transaction has waited for them.
                cursor.execute(f"LOCK TABLE {', '.join(tables)} IN SHARE ROW EXCLUSIVE MODE")
            if _kept_state(connection) != kept:
                return False
        empty_tables(using, tables)
    return True


def empty_tables(using: str, tables: Sequence[str]) -> None:
    """Delete all rows of these tables in the present transaction."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            " UNION ALL ".join(
                f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {table})" for table in tables
            )
        )
        filled = [table for (table,) in cursor.fetchall()]
        # Foreign keys are checked at the end of the transaction: the order does not matter.
        with append_only.suspended(using) if append_only.TABLE in filled else nullcontext():
            for table in filled:  # DELETE: on PostgreSQL TRUNCATE takes longer for few rows
                cursor.execute(f"DELETE FROM {table}")
            if VideoCount._meta.db_table in tables:  # a trigger has counted the deleted videos
                cursor.execute(f"DELETE FROM {VideoCount._meta.db_table}")


def _kept_state(connection: BaseDatabaseWrapper) -> object:
    """The rows of the kept tables, and whether the log is append-only."""
    rows = []
    with connection.cursor() as cursor:
        for table in KEPT_TABLES:
            cursor.execute(f"SELECT * FROM {table} ORDER BY 1")
            rows.append(cursor.fetchall())
    return rows, append_only.is_installed(connection.alias)
