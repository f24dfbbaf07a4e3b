"""The log of decisions is append-only: triggers in the database refuse what the code must not do.

`install` runs after every migrate, because SQLite drops the triggers of a table that a migration
rebuilds. `lifted` is for a restore, for `prune_log` and for emptying a test database; nothing else
may use it.
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
# TRUNCATE fires statement triggers alone; for the others these refuse what hits no row, too.
POSTGRESQL_TRIGGER: Final = f"""
CREATE OR REPLACE TRIGGER {NAME} BEFORE UPDATE OR DELETE OR TRUNCATE ON {TABLE}
FOR EACH STATEMENT EXECUTE FUNCTION {NAME}()
"""
POSTGRESQL_INSTALL: Final = [POSTGRESQL_REFUSE, POSTGRESQL_TRIGGER]
POSTGRESQL_LIFT: Final = [f"DROP TRIGGER IF EXISTS {NAME} ON {TABLE}"]


def install(using: str = DEFAULT_DB_ALIAS, **_signal: Any) -> None:
    """Make the triggers stand; a receiver of post_migrate, and harmless when they do."""
    is_postgresql = connections[using].vendor == "postgresql"
    _execute(connections[using], POSTGRESQL_INSTALL if is_postgresql else SQLITE_INSTALL)


@contextmanager
def suspended(using: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """Let the log be emptied or written over meanwhile, by every connection.

    Inside a transaction no other connection sees the log without its triggers: they wait for its
    end (on PostgreSQL all that touch the log, on SQLite all that write). An error in it puts the
    triggers back by rolling back.
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
        if is_postgresql:  # it changes no table with foreign keys that are still to be checked
            connections[using].check_constraints()
        install(using)


def is_installed(using: str = DEFAULT_DB_ALIAS) -> bool:
    """Whether the triggers are there, and in force; also where there is no log yet."""
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
    """Run the statements where the table is there: it is not while `migrate videos zero` ends."""
    with connection.cursor() as cursor:
        if TABLE in connection.introspection.table_names(cursor):
            for statement in statements:
                cursor.execute(statement)
