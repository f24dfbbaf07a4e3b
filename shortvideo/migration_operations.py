"""Migration operations that protect rows, and the users of big tables.

`RefuseReverse` refuses to reverse a migration while that would lose rows. `RunOnPostgresql` runs
statements that SQLite has no use for.

The others build or drop an index while other connections write to its table. PostgreSQL does this
with CONCURRENTLY, which fails inside a transaction: put them into a migration of their own with
`atomic = False`. On SQLite they run the plain statement.

Django's own AddIndexConcurrently is not enough: it fails on SQLite, has no counterpart for a
unique constraint, and fails when an interrupted migration runs again. These skip an index that
exists, and rebuild the invalid index that an interrupted build leaves behind.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django.apps.registry import Apps
from django.contrib.postgres.operations import NotInTransactionMixin
from django.core.management import CommandError
from django.db import migrations, models, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.backends.ddl_references import Statement
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

_Index = models.Index | models.UniqueConstraint

_IS_INVALID: Final = """
SELECT 1 FROM pg_index
WHERE indexrelid = to_regclass(%s) AND indrelid = to_regclass(%s) AND NOT indisvalid
"""


class RefuseReverse(migrations.RunPython):
    """Last operation of a migration that added data which cannot be recreated.

    Reversing the migration raises CommandError while a model has such rows. Forwards it does
    nothing.
    """

    def __init__(self, why: str, kept: Mapping[str, models.Q]) -> None:
        """`why` ends the error message; `kept` selects the rows by "app.Model"."""
        self.why, self.kept = why, dict(kept)
        super().__init__(migrations.RunPython.noop, self.refuse)

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (type(self).__name__, [self.why, self.kept], {})

    def refuse(self, apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
        alias = schema_editor.connection.alias
        for name, rows in self.kept.items():
            if apps.get_model(name)._base_manager.using(alias).filter(rows).exists():
                raise CommandError(f"This cannot be taken back: {self.why}.")


class RunOnPostgresql(Operation):
    """Run statements in one transaction on PostgreSQL; do nothing on SQLite."""

    reversible = True

    def __init__(self, statements: Sequence[str], reverse: Sequence[str]) -> None:
        self.statements, self.reverse = list(statements), list(reverse)

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (type(self).__name__, [self.statements, self.reverse], {})

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """The models stay as they are."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        self._run(schema_editor, self.statements)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        self._run(schema_editor, self.reverse)

    def _run(self, schema_editor: BaseDatabaseSchemaEditor, statements: Sequence[str]) -> None:
        if schema_editor.connection.vendor != "postgresql":
            return
        with transaction.atomic(schema_editor.connection.alias):
            for statement in statements:
                schema_editor.execute(statement, params=None)


class ConcurrentOperation(NotInTransactionMixin, Operation):
    """Runs Django's plain operation, the next base class, with a `_ConcurrentEditor`."""

    atomic = False

    def describe(self) -> str:
        plain = super().describe()
        return f"Concurrently {plain[0].lower()}{plain[1:]}"

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        super().database_forwards(app_label, self._editor(schema_editor), from_state, to_state)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        super().database_backwards(app_label, self._editor(schema_editor), from_state, to_state)

    def _editor(self, schema_editor: BaseDatabaseSchemaEditor) -> Any:
        self._ensure_not_in_transaction(schema_editor)
        return _ConcurrentEditor(schema_editor)


class AddIndexConcurrently(ConcurrentOperation, migrations.AddIndex):
    """Build an index while others write to its table."""


class AddIndexOnPostgresql(AddIndexConcurrently):
    """Build an index that SQLite cannot have. The models do not name it."""

    def __init__(self, model_name: str, index: models.Index, app_label: str = "") -> None:
        super().__init__(model_name, index)
        self.app_label = app_label  # "": the migration's own

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """The models stay as they are."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        if schema_editor.connection.vendor == "postgresql":
            model = to_state.apps.get_model(self.app_label or app_label, self.model_name)
            self._editor(schema_editor).add_index(model, self.index)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        if schema_editor.connection.vendor == "postgresql":
            model = from_state.apps.get_model(self.app_label or app_label, self.model_name)
            self._editor(schema_editor).remove_index(model, self.index)


class RemoveIndexConcurrently(ConcurrentOperation, migrations.RemoveIndex):
    """Drop an index while others use its table."""


class AddUniqueConcurrently(ConcurrentOperation, migrations.AddConstraint):
    """Build a unique constraint with a condition, which is an index in the database."""

    def __init__(self, model_name: str, constraint: models.BaseConstraint) -> None:
        if not isinstance(constraint, models.UniqueConstraint) or constraint.condition is None:
            raise TypeError(f"{constraint!r} is no unique constraint with a condition.")
        super().__init__(model_name, constraint)


class _ConcurrentEditor:
    """The part of a schema editor that the operations above use."""

    def __init__(self, editor: BaseDatabaseSchemaEditor) -> None:
        self._editor = editor
        self.connection = editor.connection
        is_postgresql = self.connection.vendor == "postgresql"
        self._index_words = "INDEX CONCURRENTLY" if is_postgresql else "INDEX"
        self._may_be_invalid = is_postgresql and not editor.collect_sql

    def add_index(self, model: type[models.Model], index: _Index) -> None:
        statement = index.create_sql(model, self._editor)
        if not isinstance(statement, Statement):
            raise TypeError(f"{index!r} is not built by one statement.")
        if self._may_be_invalid and self._is_invalid(model._meta.db_table, index.name):
            self.remove_index(model, index)
        words = f"{self._index_words} IF NOT EXISTS"
        statement.template = statement.template.replace("INDEX", words, 1)
        self._editor.execute(statement, params=None)

    def remove_index(self, model: type[models.Model], index: _Index) -> None:
        name = self._editor.quote_name(index.name)
        self._editor.execute(f"DROP {self._index_words} IF EXISTS {name}", params=None)

    add_constraint, remove_constraint = add_index, remove_index

    def _is_invalid(self, table: str, name: str) -> bool:
        """Whether an interrupted build left the index incomplete."""
        quote = self._editor.quote_name
        with self.connection.cursor() as cursor:
            cursor.execute(_IS_INVALID, [quote(name), quote(table)])
            return cursor.fetchone() is not None
