"""Migrations are reversible and do not block the writers of big tables."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.db import (
    DEFAULT_DB_ALIAS,
    NotSupportedError,
    connection,
    connections,
    migrations,
    models,
)
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models.functions import Now

from shortvideo.migration_operations import (
    AddIndexConcurrently,
    AddUniqueConcurrently,
    ConcurrentOperation,
    RefuseReverse,
    RemoveIndexConcurrently,
)
from tests.fixtures_databases import migrate
from videos.models import CdnTask

pytestmark = pytest.mark.django_db(transaction=True)

OURS = {"accounts", "outbox", "recommendations", "videos", "webhooks"}
# Tables that stay small. Every other table may grow big, future ones too.
SMALL = {
    ("accounts", "consoletoken"),
    ("accounts", "operator"),
    ("outbox", "lane"),
    ("outbox", "periodictask"),
    ("videos", "cdnquota"),
    ("videos", "logpruning"),
    ("videos", "reasontemplate"),
    ("videos", "reconcilerun"),
    ("videos", "syncrun"),
    ("webhooks", "endpoint"),
}
# Migrations that the check would refuse, and why they are harmless.
EXCEPTIONS = {
    ("accounts", "0002_uploader_name_search_text"): "from varchar to text: nothing is rewritten",
    ("accounts", "0005_lives_and_names"): "updates the tokens of services, a few rows",
    ("videos", "0002_claims_and_turns"): "a longer varchar: nothing is rewritten",
    ("videos", "0025_count_videos"): "triggers on a table, then a count that locks no video",
    ("videos", "0026_search_grams"): "makes a function",
}


def schema(alias: str) -> set[Any]:
    """Return tables, columns, indexes, constraints and triggers as the database describes them."""
    if connections[alias].vendor == "sqlite":
        return rows(alias, "SELECT type, name, sql FROM sqlite_master")
    columns = "table_name, column_name, data_type, is_nullable, column_default::text"
    return (
        rows(alias, f"SELECT {columns} FROM information_schema.columns WHERE table_schema='public'")
        | rows(alias, "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'")
        | rows(alias, "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint")
        | rows(
            alias, "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal"
        )
    )


def rows(alias: str, statement: str) -> set[Any]:
    with connections[alias].cursor() as cursor:
        cursor.execute(statement)
        return set(cursor.fetchall())


def tables_of(alias: str, app: str) -> list[str]:
    names = connections[alias].introspection.table_names()
    return [name for name in names if name.startswith(f"{app}_")]


def test_every_app_migrates_to_zero_and_back_to_the_same_schema(migrated: str) -> None:
    before = schema(migrated)
    assert all(tables_of(migrated, app) for app in OURS)
    for app in ("accounts", "outbox"):  # and the apps that depend on them
        migrate(migrated, app, "zero")
    assert [table for app in OURS for table in tables_of(migrated, app)] == []
    migrate(migrated)
    assert schema(migrated) == before


def test_every_app_of_the_project_is_checked() -> None:
    root = Path(settings.BASE_DIR)
    ours = {
        config.label
        for config in apps.get_app_configs()
        if (Path(config.path) / "migrations").is_dir()
        and Path(config.path).parent in (root, root / "shortvideo")
    }
    assert ours == OURS


# Big tables.


def is_indexed(field: Any) -> bool:
    return field is not None and (field.db_index or field.unique)


def is_altered(field: Any, earlier: Any) -> bool:
    """Whether the database column changes, not only Django's options of the field."""

    def stored(each: Any) -> tuple[Any, ...]:
        _, path, args, options = each.deconstruct()
        kept = {name: value for name, value in options.items() if name not in each.non_db_attrs}
        return path, args, {name: value for name, value in kept.items() if name != "default"}

    return stored(field) != stored(earlier)


def rewrites(field: Any) -> bool:
    """Whether adding the column writes every row. An empty or constant column does not."""
    default = field.db_default
    is_computed = hasattr(default, "resolve_expression") and not isinstance(default, models.Value)
    return bool(field.generated or (field.has_db_default() and is_computed))


def leaves_open(operation: Operation, earlier: Any) -> bool:
    """Whether an operation on a big table blocks its writers for milliseconds only."""
    match operation:
        case ConcurrentOperation() | migrations.AlterModelOptions() | migrations.RemoveField():
            return True
        case migrations.AlterModelManagers() | migrations.RemoveConstraint():
            return True
        case migrations.AddField(field=field):
            return not is_indexed(field) and not rewrites(field)
        case migrations.AlterField(field=field):
            return not is_altered(field, earlier)
    return False


def blocked_by(operation: Operation, app: str, before: ProjectState) -> str:
    """Return the big table whose writers the operation would block for long, or "".

    Returns "any" for an operation that runs its own code or SQL.
    """
    if isinstance(operation, RefuseReverse):
        return ""
    named = getattr(operation, "model_name", "") or getattr(operation, "name", "")
    model = str(named).lower()
    if not model or isinstance(operation, migrations.RunPython | migrations.RunSQL):
        return "any"
    if (app, model) not in before.models or (app, model) in SMALL:
        return ""
    earlier = before.models[app, model].fields.get(getattr(operation, "name", ""))
    return "" if leaves_open(operation, earlier) else f"{app}.{model}"


def blocking(app: str, operations: Iterable[Operation], before: ProjectState) -> list[str]:
    found = [blocked_by(operation, app, before) for operation in operations]
    return [table for table in found if table]


def test_no_migration_blocks_the_writers_of_a_big_table() -> None:
    loader = MigrationLoader(None)
    found = {
        key: blocking(key[0], migration.operations, loader.project_state(key, at_end=False))
        for key, migration in loader.disk_migrations.items()
        if key[0] in OURS and key not in EXCEPTIONS
    }
    assert {key: tables for key, tables in found.items() if tables} == {}


def test_concurrent_indexes_have_a_migration_of_their_own() -> None:
    """A failed concurrent index would not roll back the rest of its migration."""
    for migration in MigrationLoader(None).disk_migrations.values():
        concurrent = [isinstance(each, ConcurrentOperation) for each in migration.operations]
        assert not any(concurrent) or (all(concurrent) and not migration.atomic), migration


INDEX = models.Index(fields=["state"], name="some_index")
UNIQUE = models.UniqueConstraint(
    fields=["state"], name="some_unique", condition=models.Q(state="waiting")
)


@pytest.mark.parametrize(
    "operation",
    [
        migrations.AddIndex("CdnTask", INDEX),
        migrations.AddConstraint("CdnTask", UNIQUE),
        migrations.AddField("CdnTask", "code", models.CharField(db_index=True, max_length=9)),
        migrations.AddField("CdnTask", "code", models.CharField(unique=True, max_length=9)),
        migrations.AddField(
            "CdnTask", "again", models.ForeignKey("videos.CdnTask", models.CASCADE, null=True)
        ),
        migrations.AddField("CdnTask", "made_at", models.DateTimeField(db_default=Now())),
        migrations.AlterField("CdnTask", "kind", models.CharField(db_index=True, max_length=8)),
        migrations.AlterField("CdnTask", "progress", models.BigIntegerField(default=0)),
        migrations.AlterField("CdnTask", "video", models.BigIntegerField()),
        migrations.AlterUniqueTogether("CdnTask", {("state", "kind")}),
        migrations.AlterModelTable("CdnTask", "tasks"),
    ],
)
def test_an_operation_that_blocks_a_big_table_is_found(operation: Operation) -> None:
    latest = MigrationLoader(None).project_state()
    assert blocking("videos", [operation], latest) == ["videos.cdntask"]


@pytest.mark.parametrize("model", ["Takedown", "Evidence", "VideoDeletion", "ReviewDecision"])
def test_a_table_is_big_unless_it_is_known_to_be_small(model: str) -> None:
    latest = MigrationLoader(None).project_state()
    found = blocking("videos", [migrations.AddIndex(model, INDEX)], latest)
    assert found == [f"videos.{model.lower()}"]


@pytest.mark.parametrize(
    "operation",
    [
        migrations.RunSQL("UPDATE videos_video SET title = ''"),
        migrations.RunPython(migrations.RunPython.noop),
        migrations.SeparateDatabaseAndState(),
    ],
)
def test_an_operation_with_its_own_code_is_found(operation: Operation) -> None:
    assert blocking("videos", [operation], MigrationLoader(None).project_state()) == ["any"]


def test_small_tables_and_exceptions_exist() -> None:
    loader = MigrationLoader(None)
    assert set(loader.project_state().models) >= SMALL
    assert set(loader.disk_migrations) >= set(EXCEPTIONS)


@pytest.mark.parametrize(
    "operation",
    [
        AddIndexConcurrently("CdnTask", INDEX),
        AddUniqueConcurrently("CdnTask", UNIQUE),
        migrations.AddField("CdnTask", "code", models.CharField(default="", max_length=9)),
        migrations.AddField("CdnTask", "code", models.CharField(db_default="a", max_length=9)),
        migrations.AddField("CdnTask", "code", models.DateTimeField(null=True)),
        migrations.AddIndex("SyncRun", INDEX),  # never many rows
        migrations.AlterField("CdnTask", "kind", models.CharField("sort", max_length=8)),
        migrations.RemoveField("CdnTask", "progress"),
        RefuseReverse("it is needed", {}),
    ],
)
def test_an_operation_that_blocks_no_writers_is_allowed(operation: Operation) -> None:
    latest = MigrationLoader(None).project_state()
    assert blocking("videos", [operation], latest) == []


# The operations.


def index_names(alias: str = DEFAULT_DB_ALIAS) -> set[str]:
    with connections[alias].cursor() as cursor:
        table = CdnTask._meta.db_table
        found = connections[alias].introspection.get_constraints(cursor, table)
    return {name for name, details in found.items() if details["index"]}


def apply(operation: Operation, *, backwards: bool = False) -> None:
    """Run an operation on the latest state of the models."""
    before = MigrationLoader(None).project_state()
    after = before.clone()
    operation.state_forwards("videos", after)
    with connection.schema_editor(atomic=False) as editor:
        if backwards:
            operation.database_backwards("videos", editor, after, before)
        else:
            operation.database_forwards("videos", editor, before, after)


@pytest.mark.parametrize("operation", [AddIndexConcurrently("CdnTask", INDEX),
                                       AddUniqueConcurrently("CdnTask", UNIQUE)])  # fmt: skip
def test_an_index_is_built_and_dropped(operation: Operation) -> None:
    before = index_names()
    apply(operation)
    assert len(index_names() - before) == 1
    apply(operation, backwards=True)
    assert index_names() == before
    assert "Concurrently create" in operation.describe()


def test_removing_an_index_is_reversible() -> None:
    removal = RemoveIndexConcurrently("CdnTask", "cdn_task_takedown")
    before = index_names()
    apply(removal)
    assert before - index_names() == {"cdn_task_takedown"}
    apply(removal, backwards=True)
    assert index_names() == before


def test_an_interrupted_migration_can_run_again(first: str) -> None:
    migrate(first, "videos", "0008")
    with connections[first].cursor() as cursor:  # two indexes were built, a third half built
        cursor.execute("CREATE INDEX cdn_task_attention ON videos_cdntask (attention_at)")
        cursor.execute("CREATE INDEX cdn_task_takedown ON videos_cdntask (takedown_id)")
        cursor.execute(
            "CREATE UNIQUE INDEX decision_undone_once ON videos_reviewdecision (undoes_id) "
            "WHERE undoes_id IS NOT NULL"
        )
        if connections[first].vendor == "postgresql":
            cursor.execute(
                "UPDATE pg_index SET indisvalid = false "
                "WHERE indexrelid = 'cdn_task_takedown'::regclass"
            )
    migrate(first, "videos")
    assert {"cdn_task_attention", "cdn_task_takedown"} <= index_names(first)
    if connections[first].vendor == "postgresql":
        assert rows(first, "SELECT 1 FROM pg_index WHERE NOT indisvalid") == set()


def test_a_transaction_around_a_concurrent_index_is_refused() -> None:
    state = MigrationLoader(None).project_state()
    operation = AddIndexConcurrently("CdnTask", INDEX)
    with (
        pytest.raises(NotSupportedError, match="atomic = False"),
        connection.schema_editor(atomic=True) as editor,
    ):
        operation.database_forwards("videos", editor, state, state)


def test_a_constraint_without_a_condition_is_refused() -> None:
    with pytest.raises(TypeError, match="no unique constraint with a condition"):
        AddUniqueConcurrently("CdnTask", models.UniqueConstraint(fields=["state"], name="plain"))
