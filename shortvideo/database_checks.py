"""`manage.py check --database default` and `migrate`: a database that does not fit is refused.

Django records which migrations a database has applied, not what they were. If a migration was
changed later, or a table by hand, the next migrations or queries would fail halfway.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.apps import apps as current_apps
from django.apps.registry import Apps
from django.conf import settings
from django.core.checks import CheckMessage
from django.core.checks import Error as CheckError
from django.core.checks import Warning as CheckWarning
from django.core.management import CommandError
from django.db import Error as DatabaseFault
from django.db import connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.exceptions import InconsistentMigrationHistory
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from shortvideo.table_differences import differences
from shortvideo.text import first_line

_HINT: Final = (
    "Nothing was changed. docs/running.md, “A database that does not fit”, says how to take it "
    "over or set it aside."
)
# Django's own apps may be those of another Django project.
_OWN_APP: Final = settings.AUTH_USER_MODEL.partition(".")[0]
_NAMED_TABLES: Final = 3  # in a sentence
_EXTENSION_TABLES: Final = """
    SELECT relname FROM pg_depend JOIN pg_class ON pg_class.oid = objid
    WHERE classid = 'pg_class'::regclass AND deptype = 'e'
"""


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
        is_file = connection.vendor == "sqlite"
        hint = f"DATABASE_URL names it.{'' if is_file else ' Is the server running?'}"
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
    current = _models_by_table(current_apps, loader)
    foreign = sorted(tables - expected.keys() - current.keys() - _not_foreign(connection))
    if foreign and _OWN_APP not in {app for app, _ in loader.applied_migrations}:
        yield f"The database belongs to another program: it has {_listed(foreign)}."
        return
    planned = {each.name for model in current.values() for each in model._meta.constraints}
    for table, model in expected.items():
        if table not in tables:
            yield f"The table {table} is missing, although its migration is recorded."
        elif found := list(differences(connection, model, planned)):
            yield f"The table {table} differs from its migrations: {', '.join(found)}."
    for table in sorted(tables & current.keys() - expected.keys()):
        yield f"The table {table} is there, although no migration of it is recorded."


def _not_foreign(connection: BaseDatabaseWrapper) -> set[str]:
    """Tables that no other program has made: Django's, and those of PostgreSQL's extensions."""
    names = {MigrationRecorder.Migration._meta.db_table}
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(_EXTENSION_TABLES)
            names.update(name for (name,) in cursor.fetchall())
    return names


def _listed(tables: list[str]) -> str:
    """The first few names."""
    names = ", ".join(tables[:_NAMED_TABLES])
    more = len(tables) - _NAMED_TABLES
    return f"{names} and {more} more tables" if more > 0 else f"the tables {names}"


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
