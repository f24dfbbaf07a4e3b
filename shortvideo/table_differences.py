"""What differs between a table of the database and a model: columns, indexes, constraints.

Indexes and unique constraints are compared as SQL, because a name says nothing about the columns.
The database compares conditions: two conditions are equal if their EXPLAINs are. PostgreSQL
stores them in words of its own, and another version of Django may set parentheses differently.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

_COLUMNS: Final = {
    "sqlite": """SELECT name, lower(type), NOT "notnull" FROM pragma_table_info(%s)""",
    "postgresql": """
        SELECT attname, replace(format_type(atttypid, atttypmod), 'character varying', 'varchar'),
            NOT attnotnull
        FROM pg_attribute
        WHERE attrelid = to_regclass(quote_ident(%s)) AND attnum > 0 AND NOT attisdropped
    """,
}
# Django's introspection has no conditions, and parses SQLite's SQL: a second for all tables.
_INDEXES: Final = {
    "sqlite": """
        SELECT coalesce(sql, 'CREATE UNIQUE INDEX ' || list.name || ' ON t (' ||
            (SELECT group_concat(name, ', ') FROM pragma_index_info(list.name)) || ')')
        FROM pragma_index_list(%s) AS list JOIN sqlite_master USING (name)
        UNION ALL SELECT 'CREATE UNIQUE INDEX primary_key ON t (' || name || ')'
        FROM pragma_table_info(%s) WHERE pk
    """,
    "postgresql": """
        SELECT pg_get_indexdef(indexrelid) FROM pg_index
        WHERE indrelid = to_regclass(quote_ident(%s)) AND indisvalid
    """,
}
_CHECKS: Final = {
    "sqlite": "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = %s",
    "postgresql": """
        SELECT 'CONSTRAINT ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
        WHERE conrelid = to_regclass(quote_ident(%s)) AND contype = 'c'
    """,
}
_INDEX: Final = re.compile(
    r'CREATE (UNIQUE )?INDEX "?(\w+)"? ON \S+ (?:USING \w+ )?\((.*?)\)(?: WHERE (.*))?', re.DOTALL
)
_CHECK: Final = re.compile(r'(?:CONSTRAINT "?(\w+)"? )?CHECK (?=\()')
_TOKEN: Final = re.compile(r"""'[^']*'|"[^"]*"|[()]""")


class _Index(NamedTuple):
    """An index or a unique constraint, which is an index in both databases."""

    name: str  # "" for what Django names itself
    is_unique: bool
    columns: str  # "video_id, id DESC"
    condition: str = ""  # SQL; after `_Table.plan` what the database makes of it

    def __str__(self) -> str:
        return f"{'unique' if self.is_unique else 'index'} ({self.columns})"


class _Check(NamedTuple):
    name: str
    condition: str


def differences(
    connection: BaseDatabaseWrapper, model: type[models.Model], planned: Iterable[str]
) -> Iterator[str]:
    """Yield what differs from the model, as parts of a sentence.

    `planned` are the names that pending migrations will use: an interrupted one may have built its
    index. Further indexes that are not unique are the operator's own affair.
    """
    if found := list(_column_differences(connection, model)):
        yield from found
        return
    table = _Table(connection, model._meta.db_table)
    yield from _index_differences(table, model, frozenset(planned))
    yield from _foreign_key_differences(connection, model)
    yield from _check_differences(table, model)


def _column_differences(
    connection: BaseDatabaseWrapper, model: type[models.Model]
) -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS[connection.vendor], [model._meta.db_table])
        columns = {name: (kind, bool(is_null)) for name, kind, is_null in cursor.fetchall()}
    fields = {field.column: field for field in model._meta.local_concrete_fields}
    for column in sorted(columns.keys() - fields.keys()):
        yield f"an unknown column {column}"
    for column, field in fields.items():
        wanted = (str(field.db_type(connection)), field.null)
        if column not in columns:
            yield f"no column {column}"
        elif columns[column] != wanted:
            yield f"{column} is {_described(*columns[column])}, not {_described(*wanted)}"


def _described(kind: str, is_null: bool) -> str:  # noqa: FBT001 - the two parts of a column
    return kind if is_null else f"{kind} not null"


class _Table:
    """The indexes and checks of a table, and its comparison of conditions."""

    def __init__(self, connection: BaseDatabaseWrapper, name: str) -> None:
        self.connection, self.name = connection, name

    def indexes(self) -> list[_Index]:
        return [self.plan(each) for text in self._texts(_INDEXES) for each in _indexes_in(text)]

    def checks(self) -> list[_Check]:
        return [self.plan(each) for text in self._texts(_CHECKS) for each in _checks_in(text)]

    def plan(self, each: Any) -> Any:
        """The same index or check with what the database makes of its condition."""
        if not each.condition:
            return each
        words = "EXPLAIN (COSTS OFF)" if self.connection.vendor == "postgresql" else "EXPLAIN"
        table = self.connection.ops.quote_name(self.name)
        with self.connection.cursor() as cursor:
            # Django's SQL, or what the database answered.
            cursor.execute(f"{words} SELECT 1 FROM {table} WHERE {each.condition}")  # noqa: S608 - names and conditions of models
            return each._replace(condition=str(cursor.fetchall()))

    def _texts(self, queries: dict[str, str]) -> list[str]:
        query = queries[self.connection.vendor]
        with self.connection.cursor() as cursor:
            cursor.execute(query, [self.name] * query.count("%s"))
            return [text for (text,) in cursor.fetchall()]


def _index_differences(
    table: _Table, model: type[models.Model], planned: frozenset[str]
) -> Iterator[str]:
    found = table.indexes()
    by_name = {index.name: index for index in found}
    expected = [table.plan(index) for index in _expected_indexes(table.connection, model)]
    unnamed = {index._replace(name="") for index in found}
    for index in expected:
        if index.name and index.name not in by_name:
            yield f"no {index.name}"
        elif index._replace(name="") not in unnamed:
            yield f"{index.name} is not this {index}" if index.name else f"no {index}"
        elif index.name and by_name[index.name] != index:
            yield f"{index.name} is not this {index}"
    known = {index._replace(name="") for index in expected}
    for index in found:
        if index.is_unique and index.name not in planned and index._replace(name="") not in known:
            yield f"an unknown {index}"


def _expected_indexes(
    connection: BaseDatabaseWrapper, model: type[models.Model]
) -> Iterator[_Index]:
    meta, editor = model._meta, connection.schema_editor()

    column_of = {field.name: str(field.column) for field in meta.local_concrete_fields}

    def columns(names: Iterable[str]) -> str:
        return ", ".join(column_of[name] for name in names)

    for field in meta.local_concrete_fields:
        if field.unique or getattr(field, "db_index", False):  # the stubs lack it
            yield _Index("", field.unique, str(field.column))
    for names in meta.unique_together:
        yield _Index("", True, columns(names))  # noqa: FBT003 - unique
    for each in (*meta.indexes, *meta.constraints):
        if isinstance(each, models.UniqueConstraint) and each.fields and not each.condition:
            # SQLite names the index of such a constraint itself.
            yield _Index("", True, columns(each.fields))  # noqa: FBT003 - unique
        elif isinstance(each, models.Index | models.UniqueConstraint):
            yield from _indexes_in(str(each.create_sql(model, editor)))


def _foreign_key_differences(
    connection: BaseDatabaseWrapper, model: type[models.Model]
) -> Iterator[str]:
    with connection.cursor() as cursor:
        found = connection.introspection.get_relations(cursor, model._meta.db_table)
    expected = {
        field.column: (field.target_field.column, field.related_model._meta.db_table)
        for field in model._meta.local_concrete_fields
        if isinstance(field, models.ForeignKey) and getattr(field, "db_constraint", True)
    }
    for column in sorted(found.keys() | expected.keys()):
        if expected.get(column) is None:
            yield f"an unknown foreign key of {column}"
        elif found.get(column) != expected[column]:
            yield f"no foreign key from {column} to {expected[column][1]}"


def _check_differences(table: _Table, model: type[models.Model]) -> Iterator[str]:
    found = table.checks()
    expected = [table.plan(each) for each in _expected_checks(table.connection, model)]
    by_name = {each.name: each.condition for each in found if each.name}
    conditions = {each.condition for each in found}
    for name, condition in expected:
        if name and name not in by_name:
            yield f"no {name}"
        elif (by_name[name] != condition) if name else (condition not in conditions):
            yield f"{name} has another condition" if name else "a check of values is missing"
    names, conditions = {each.name for each in expected}, {each.condition for each in expected}
    for name, condition in found:
        if name not in names and condition not in conditions:
            yield f"an unknown check {name}".rstrip()


def _expected_checks(
    connection: BaseDatabaseWrapper, model: type[models.Model]
) -> Iterator[_Check]:
    for field in model._meta.local_concrete_fields:
        if condition := field.db_check(connection):
            yield _Check("", condition)
    editor = connection.schema_editor()
    for each in model._meta.constraints:
        if isinstance(each, models.CheckConstraint):
            yield from _checks_in(str(each.create_sql(model, editor)))


def _indexes_in(sql: str) -> Iterator[_Index]:
    """The index that a CREATE INDEX of Django, SQLite or PostgreSQL makes."""
    if found := _INDEX.fullmatch(sql):
        is_unique, name, columns, condition = found.groups()
        yield _Index(name, bool(is_unique), columns.replace('"', ""), condition or "")


def _checks_in(sql: str) -> Iterator[_Check]:
    """The CHECK constraints in a CREATE TABLE or an ALTER TABLE."""
    for found in _CHECK.finditer(sql):
        depth = 0
        for token in _TOKEN.finditer(sql, found.end()):
            depth += {"(": 1, ")": -1}.get(token[0], 0)
            if not depth:
                yield _Check(found[1] or "", sql[found.end() : token.end()])
                break
