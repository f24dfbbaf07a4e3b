"""Migration operations that keep what is there: rows, and the use of big tables.

`RefuseReverse` keeps a migration from being taken back over rows that would be lost with it.

The others leave a big table open to its writers while an index is built. On PostgreSQL they use
CONCURRENTLY, which cannot be done in a transaction: they stand in a migration of their own with
`atomic = False`. On SQLite they do the plain thing. A migration that was cut off may be run again:
what is built already is left, and the invalid index that a build leaves behind when it is cut off
is built anew.
"""

from collections.abc import Mapping
from typing import Any, Final

from django.apps.registry import Apps
from django.contrib.postgres.operations import NotInTransactionMixin
from django.core.management import CommandError
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.ddl_references import Statement
from django.db.migrations.operations.base import OperationCategory
from django.db.migrations.state import ProjectState

Index = models.Index | models.UniqueConstraint

IS_INVALID: Final = """
SELECT 1 FROM pg_index
WHERE indexrelid = to_regclass(%s) AND indrelid = to_regclass(%s) AND NOT indisvalid
"""


class RefuseReverse(migrations.RunPython):
    """The last operation of a migration that holds what cannot be made up again.

    Taking the migration back raises CommandError while a row of one of the models has what it
    brought. Forwards it does nothing.
    """

    def __init__(self, why: str, kept: Mapping[str, models.Q]) -> None:
        """`why` ends the sentence of the refusal; `kept` says which rows, by "app.Model"."""
        self.why, self.kept = why, dict(kept)
        super().__init__(migrations.RunPython.noop, self.refuse)

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (type(self).__name__, [self.why, self.kept], {})

    def refuse(self, apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
        alias = schema_editor.connection.alias
        for name, rows in self.kept.items():
            if apps.get_model(name)._base_manager.using(alias).filter(rows).exists():
                raise CommandError(f"This cannot be taken back: {self.why}.")


class ConcurrentOperation(NotInTransactionMixin, migrations.operations.base.Operation):
    """Builds or drops one index of a model."""

    atomic = False
    model_name: str

    def index_in(self, app_label: str, state: ProjectState) -> Index:
        """The index, as the state knows it that has it."""
        raise NotImplementedError

    def build(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, state: ProjectState
    ) -> None:
        self._ensure_not_in_transaction(schema_editor)
        model = state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            build(schema_editor, model, self.index_in(app_label, state))

    def drop(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, state: ProjectState
    ) -> None:
        self._ensure_not_in_transaction(schema_editor)
        model = state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            drop(schema_editor, self.index_in(app_label, state).name)


class ConcurrentAddition(ConcurrentOperation):
    category = OperationCategory.ADDITION

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        self.build(app_label, schema_editor, to_state)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        self.drop(app_label, schema_editor, from_state)


class AddIndexConcurrently(ConcurrentAddition, migrations.AddIndex):
    """Build an index of a table that others write to meanwhile."""

    index: models.Index

    def index_in(self, app_label: str, state: ProjectState) -> Index:
        return self.index

    def describe(self) -> str:
        return f"Concurrently create index {self.index.name} on model {self.model_name}"


class AddUniqueConcurrently(ConcurrentAddition, migrations.AddConstraint):
    """Build a unique constraint that has a condition: in the database that is an index."""

    constraint: models.UniqueConstraint

    def __init__(self, model_name: str, constraint: models.BaseConstraint) -> None:
        if not isinstance(constraint, models.UniqueConstraint) or constraint.condition is None:
            raise TypeError(f"{constraint!r} is no unique constraint with a condition.")
        super().__init__(model_name, constraint)

    def index_in(self, app_label: str, state: ProjectState) -> Index:
        return self.constraint

    def describe(self) -> str:
        return f"Concurrently create constraint {self.constraint.name} on model {self.model_name}"


class RemoveIndexConcurrently(ConcurrentOperation, migrations.RemoveIndex):
    """Drop an index of a table that others use meanwhile."""

    category = OperationCategory.REMOVAL
    name: str

    def index_in(self, app_label: str, state: ProjectState) -> Index:
        model_state = state.models[app_label, self.model_name.lower()]
        index: models.Index = model_state.get_index_by_name(self.name)
        return index

    def describe(self) -> str:
        return f"Concurrently remove index {self.name} from model {self.model_name}"

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        self.drop(app_label, schema_editor, from_state)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        self.build(app_label, schema_editor, to_state)


def build(schema_editor: BaseDatabaseSchemaEditor, model: type[models.Model], index: Index) -> None:
    """Create the index unless it is there; one whose build was cut off is dropped before."""
    statement = index.create_sql(model, schema_editor)
    if not isinstance(statement, Statement):
        raise TypeError(f"{index!r} is not made by one statement.")
    if is_invalid(schema_editor, model._meta.db_table, index.name):
        drop(schema_editor, index.name)
    words = " INDEX CONCURRENTLY" if is_postgresql(schema_editor) else " INDEX"
    statement.template = statement.template.replace(" INDEX", f"{words} IF NOT EXISTS", 1)
    schema_editor.execute(statement, params=None)


def drop(schema_editor: BaseDatabaseSchemaEditor, name: str) -> None:
    """Drop the index where it is there."""
    words = "INDEX CONCURRENTLY" if is_postgresql(schema_editor) else "INDEX"
    schema_editor.execute(f"DROP {words} IF EXISTS {schema_editor.quote_name(name)}", params=None)


def is_invalid(schema_editor: BaseDatabaseSchemaEditor, table: str, name: str) -> bool:
    """Whether the index is there but was never completed: only PostgreSQL leaves such behind."""
    if schema_editor.collect_sql or not is_postgresql(schema_editor):
        return False
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            IS_INVALID, [schema_editor.quote_name(name), schema_editor.quote_name(table)]
        )
        return cursor.fetchone() is not None


def is_postgresql(schema_editor: BaseDatabaseSchemaEditor) -> bool:
    return schema_editor.connection.vendor == "postgresql"
