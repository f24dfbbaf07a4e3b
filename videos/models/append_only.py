"""Triggers that refuse to change or delete rows of the log of decisions.

`install` runs after every migrate, because SQLite drops the triggers when a migration rebuilds the
table. `suspended` is only for a restore, for `prune_log` and for emptying a test database.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, Final

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

TABLE: Final = "videos_reviewdecision"
NAME: Final = "videos_log_is_append_only"
MESSAGE: Final = "The log of decisions is append-only."

SQLITE_INSTALL: Final = [
    f"CREATE TRIGGER IF NOT EXISTS {NAME}_{event} BEFORE {event} ON {TABLE} "
    f"BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
    for event in ("update", "delete")
]
SQLITE_LIFT: Final = [f"DROP TRIGGER IF EXISTS {NAME}_{event}" for event in ("update", "delete")]
SQLITE_FIND: Final = (
    "SELECT count(*) FROM sqlite_master "
    "WHERE type = 'trigger' AND tbl_name = %s AND name IN (%s, %s)"
)
POSTGRESQL_FIND: Final = (
    "SELECT count(*) FROM pg_trigger "
    "WHERE tgrelid = to_regclass(%s) AND tgname = %s AND tgenabled <> 'D'"
)
POSTGRESQL_REFUSE: Final = f"""
CREATE OR REPLACE FUNCTION {NAME}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '{MESSAGE}' USING ERRCODE = 'integrity_constraint_violation';
END $$
"""
# TRUNCATE fires statement triggers only. They also refuse an UPDATE or DELETE of no row.
POSTGRESQL_TRIGGER: Final = f"""
CREATE OR REPLACE TRIGGER {NAME} BEFORE UPDATE OR DELETE OR TRUNCATE ON {TABLE}
FOR EACH STATEMENT EXECUTE FUNCTION {NAME}()
"""
POSTGRESQL_INSTALL: Final = [POSTGRESQL_REFUSE, POSTGRESQL_TRIGGER]
POSTGRESQL_LIFT: Final = [f"DROP TRIGGER IF EXISTS {NAME} ON {TABLE}"]


def install(using: str = DEFAULT_DB_ALIAS, **_signal: Any) -> None:
    """Create the triggers if they are missing; a receiver of post_migrate."""
    is_postgresql = connections[using].vendor == "postgresql"
    _execute(connections[using], POSTGRESQL_INSTALL if is_postgresql else SQLITE_INSTALL)


@contextmanager
def suspended(using: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """Drop the triggers for the block, for every connection.

    Inside a transaction no other connection sees the log without its triggers: it waits for the end
    of the transaction (on PostgreSQL if it uses the log, on SQLite if it writes). A rollback
    restores the triggers.
    """
    is_postgresql = connections[using].vendor == "postgresql"
    with transaction.atomic(using) if connections[using].in_atomic_block else nullcontext():
        _execute(connections[using], POSTGRESQL_LIFT if is_postgresql else SQLITE_LIFT)
        try:
            yield
        except BaseException:
            if not connections[using].in_atomic_block:
                install(using)
            raise
        if is_postgresql:  # it alters no table while deferred foreign keys are unchecked
            connections[using].check_constraints()
        install(using)


def is_installed(using: str = DEFAULT_DB_ALIAS) -> bool:
    """Whether the triggers are there and enabled. True if there is no log yet."""
    connection = connections[using]
    with connection.cursor() as cursor:
        if TABLE not in connection.introspection.table_names(cursor):
            return True
        if connection.vendor == "postgresql":
            cursor.execute(POSTGRESQL_FIND, [TABLE, NAME])
        else:
            cursor.execute(SQLITE_FIND, [TABLE, f"{NAME}_update", f"{NAME}_delete"])
        count = int(cursor.fetchone()[0])
    return count == (1 if connection.vendor == "postgresql" else 2)


def _execute(connection: BaseDatabaseWrapper, statements: list[str]) -> None:
    """Run the statements if the table exists: `migrate videos zero` has dropped it."""
    with connection.cursor() as cursor:
        if TABLE in connection.introspection.table_names(cursor):
            for statement in statements:
                cursor.execute(statement)
