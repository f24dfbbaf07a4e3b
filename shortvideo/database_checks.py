"""`manage.py check --database default` and `migrate`: a database that does not fit is refused.

Django records which migrations a database has applied, not what they were. If a migration was
changed later, or a table by hand, the next migrations or queries would fail halfway.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.apps import apps as current_apps
from django.apps.registry import Apps
from django.core.checks import CheckMessage
from django.core.checks import Error as CheckError
from django.core.checks import Warning as CheckWarning
from django.core.management import CommandError
from django.db import Error as DatabaseFault
from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.exceptions import InconsistentMigrationHistory
from django.db.migrations.loader import MigrationLoader

from shortvideo.text import first_line

_HINT: Final = (
    "Nothing was changed. docs/running.md, “A database that does not fit”, says how to take it "
    "over or set it aside."
)
_COLUMNS: Final = {
    "sqlite": """SELECT name, lower(type), NOT "notnull" FROM pragma_table_info(%s)""",
    "postgresql": """
        SELECT attname, replace(format_type(atttypid, atttypmod), 'character varying', 'varchar'),
            NOT attnotnull
        FROM pg_attribute
        WHERE attrelid = to_regclass(quote_ident(%s)) AND attnum > 0 AND NOT attisdropped
    """,
}
# Texts that hold the quoted names of the table's indexes and constraints. Django's introspection
# parses SQLite's SQL, which takes a second for all tables.
_NAMES: Final = {
    "sqlite": "SELECT sql FROM sqlite_master WHERE tbl_name = %s AND sql IS NOT NULL",
    "postgresql": """
        SELECT '"' || conname || '"' FROM pg_constraint
        WHERE conrelid = to_regclass(quote_ident(%s))
        UNION SELECT '"' || relname || '"' FROM pg_index JOIN pg_class ON oid = indexrelid
        WHERE indrelid = to_regclass(quote_ident(%s))
    """,
}


def check_databases(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Open each database and compare it with the migrations that it has applied."""
    return [message for alias in databases or () for message in _check(connections[alias])]


def refuse_unfit(using: str, **_signal: Any) -> None:
    """Raise CommandError if the database does not fit; a receiver of pre_migrate."""
    errors = [each for each in check_databases([using]) if each.is_serious()]
    if errors:
        raise CommandError("\n".join([*(str(each.msg) for each in errors), _HINT]))


def _check(connection: BaseDatabaseWrapper) -> list[CheckMessage]:
    try:
        loader = MigrationLoader(connection)
        loader.check_consistent_history(connection)
        problems = list(_problems(connection, loader))
    except DatabaseFault as error:
        sentence = f"The database {connection.alias!r} cannot be used: {first_line(error)}."
        hint = "DATABASE_URL names it. Is the server running?"
        return [CheckError(sentence, hint=hint, id="shortvideo.E001")]
    except InconsistentMigrationHistory as error:
        return [CheckError(str(error), hint=_HINT, id="shortvideo.E002")]
    if problems:
        return [CheckError(problem, hint=_HINT, id="shortvideo.E003") for problem in problems]
    if pending := len(loader.graph.nodes.keys() - loader.applied_migrations.keys()):
        sentence = f"The database {connection.alias!r} lacks {pending} migrations."
        hint = "`manage.py migrate` applies them."
        return [CheckWarning(sentence, hint=hint, id="shortvideo.W001")]
    return []


def _problems(connection: BaseDatabaseWrapper, loader: MigrationLoader) -> Iterator[str]:
    for app, name in sorted(loader.applied_migrations.keys() - loader.disk_migrations.keys()):
        if app in loader.migrated_apps:
            yield f"The database has applied {app}.{name}, which this version does not have."
    tables = set(connection.introspection.table_names())
    expected = _models_by_table(_apps_of(loader), loader)
    for table, model in expected.items():
        if table not in tables:
            yield f"The table {table} is missing, although its migration is recorded."
        elif differences := list(_differences(connection, model)):
            yield f"The table {table} differs from its migrations: {', '.join(differences)}."
    for table in sorted(tables & _models_by_table(current_apps, loader).keys() - expected.keys()):
        yield f"The table {table} is there, although no migration of it is recorded."


def _apps_of(loader: MigrationLoader) -> Apps:
    """The models as the applied migrations left them.

    Even if all are applied these are not the models of the code: on PostgreSQL a table between
    Django's groups and permissions has another type of id.
    """
    applied = loader.applied_migrations.keys() & loader.graph.nodes.keys()
    return loader.project_state(list(applied)).apps


def _models_by_table(apps: Apps, loader: MigrationLoader) -> dict[str, type[models.Model]]:
    return {
        model._meta.db_table: model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.app_label in loader.migrated_apps and model._meta.managed
    }


def _differences(connection: BaseDatabaseWrapper, model: type[models.Model]) -> Iterator[str]:
    """Yield what differs, as parts of a sentence."""
    meta = model._meta
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS[connection.vendor], [meta.db_table])
        columns = {name: (kind, bool(is_null)) for name, kind, is_null in cursor.fetchall()}
        query = _NAMES[connection.vendor]
        cursor.execute(query, [meta.db_table] * query.count("%s"))
        names = " ".join(text for (text,) in cursor.fetchall())
    fields = {field.column: field for field in meta.local_concrete_fields}
    for column in sorted(columns.keys() - fields.keys()):
        yield f"an unknown column {column}"
    for column, field in fields.items():
        wanted = (str(field.db_type(connection)), field.null)
        if column not in columns:
            yield f"no column {column}"
        elif columns[column] != wanted:
            yield f"{column} is {_described(*columns[column])}, not {_described(*wanted)}"
    for each in (*meta.indexes, *meta.constraints):
        if f'"{each.name}"' not in names:
            yield f"no {each.name}"


def _described(kind: str, is_null: bool) -> str:  # noqa: FBT001 - the two parts of a column
    return kind if is_null else f"{kind} not null"
