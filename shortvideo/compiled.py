"""Query sets whose SQL is built once: to build it takes Django longer than the query itself.

    _BY_NAME = CompiledQuery(
        lambda: Operator.objects.filter(username=Parameter("name")).values_list("pk", "email")
    )
    rows = _BY_NAME.rows(name="anne")

PostgreSQL parses and plans such a query once for a connection. SQLite does the same by itself.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, cached_property
from typing import Any, ClassVar, Final

from django.db import DEFAULT_DB_ALIAS, NotSupportedError, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, F, Field, Func, QuerySet, Subquery, TextField, Value
from django.db.models.sql.compiler import SQLCompiler

from shortvideo.bounded_postgresql.base import DatabaseWrapper as BoundedPostgresql

_NAMES_BY_COMMAS: Final = "(SELECT {function}(names.named, ',') FROM (%(subquery)s) AS names)"


class Parameter(Value):
    """A value that is given when the query runs. `field` prepares it for the database."""

    def __init__(self, name: str, field: "Field[Any, Any] | None" = None) -> None:
        super().__init__(name, output_field=field or TextField())

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, Any]:
        return "%s", [self]

    def value_for(self, backend: BaseDatabaseWrapper, values: Mapping[str, Any]) -> Any:
        value = values[self.value]
        if backend.vendor == "postgresql":
            return value
        if isinstance(value, list):  # of numbers, for IsOneOf
            return str(value)
        return self.output_field.get_db_prep_value(value, backend)


class IsOneOf(Func):
    """Whether a column is one of a list of numbers: one SQL for lists of every length."""

    output_field: ClassVar["Field[Any, Any]"] = BooleanField()
    template = "%(expressions)s IN (SELECT value FROM json_each({}))"

    def __init__(self, column: str, numbers: Parameter) -> None:
        super().__init__(F(column), numbers)

    def as_sql(self, compiler: SQLCompiler, connection: Any, *_: Any, **__: Any) -> Any:
        form = "{} = ANY({})"
        if connection.vendor == "sqlite":
            form = "{} IN (SELECT value FROM json_each({}))"
        column, numbers = map(compiler.compile, self.get_source_expressions())
        return form.format(column[0], numbers[0]), [*column[1], *numbers[1]]


class Names(Subquery):
    """The column `named` of all rows of a query set, joined by commas; NULL without a row."""

    output_field: ClassVar["Field[Any, Any]"] = TextField()
    template = _NAMES_BY_COMMAS.format(function="string_agg")

    def as_sqlite(self, compiler: SQLCompiler, connection: Any) -> Any:
        template = _NAMES_BY_COMMAS.format(function="group_concat")
        return self.as_sql(compiler, connection, template=template)


class CompiledQuery:
    """A query set of tuples (`values_list`) with Parameters, on the default database.

    The query set must mean the same in every process and at every time: `build` is called once.
    JSON columns are cast to text.
    """

    def __init__(self, build: Callable[[], QuerySet[Any, tuple[Any, ...]]]) -> None:
        self._build = build

    def rows(self, **values: Any) -> list[tuple[Any, ...]]:
        backend = connections[DEFAULT_DB_ALIAS]
        sql, parameters, converters = self._compiled
        given = [
            each.value_for(backend, values) if isinstance(each, Parameter) else each
            for each in parameters
        ]
        try:
            rows = _fetch(sql, given)
        except NotSupportedError:
            # A migration has changed the type of a column: PostgreSQL refuses plans of before.
            if backend.in_atomic_block:
                raise
            backend.close()
            rows = _fetch(sql, given)
        return [_converted(row, converters, backend) for row in rows] if converters else rows

    @cached_property
    def _compiled(self) -> tuple[str, tuple[Any, ...], dict[int, tuple[list[Any], Any]]]:
        compiler = self._build().query.get_compiler(DEFAULT_DB_ALIAS)
        sql, parameters = compiler.as_sql()
        columns = [expression for expression, _sql, _alias in compiler.select]
        converters = compiler.get_converters(columns)
        backend = connections[DEFAULT_DB_ALIAS]
        if isinstance(backend, BoundedPostgresql):
            sql, parameters = _with_constants(sql, parameters, backend)
        return sql, tuple(parameters), converters


def _fetch(sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    with planning_cursor() as cursor:
        cursor.execute(sql, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def insert_row(row: models.Model, *, unless_exists: str = "") -> bool:
    """Insert a new row with SQL that is built once for its model. Returns whether it was inserted.

    `unless_exists` names a unique field: where a row has its value, none is inserted. Sends no
    signals of Django.
    """
    backend = connections[DEFAULT_DB_ALIAS]
    meta = row._meta
    fields = [field for field in meta.concrete_fields if not field.primary_key]
    values = [field.get_db_prep_save(field.pre_save(row, add=True), backend) for field in fields]
    with planning_cursor() as cursor:
        cursor.execute(_insert_sql(type(row), unless_exists), values)
        inserted = cursor.fetchone()
    if inserted is None:
        return False
    (row.pk,) = inserted
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS
    return True


@cache
def _insert_sql(model: type[models.Model], unless_exists: str) -> str:
    quote, meta = connections[DEFAULT_DB_ALIAS].ops.quote_name, model._meta
    columns = [quote(str(field.column)) for field in meta.concrete_fields if not field.primary_key]
    places = ", ".join(["%s"] * len(columns))
    unless = f"ON CONFLICT ({quote(unless_exists)}) DO NOTHING" if unless_exists else ""
    return (
        f"INSERT INTO {quote(meta.db_table)} ({', '.join(columns)}) VALUES ({places}) "  # noqa: S608 - names of models
        f"{unless} RETURNING {quote(str(meta.pk.column))}"
    )


def planning_cursor() -> Any:
    """A cursor that keeps plans, where the database backend has one."""
    backend = connections[DEFAULT_DB_ALIAS]
    if isinstance(backend, BoundedPostgresql):
        return backend.planning_cursor()
    return backend.cursor()


def _with_constants(
    sql: str, parameters: Iterable[Any], backend: BoundedPostgresql
) -> tuple[str, list[Parameter]]:
    """Write constants into the SQL: PostgreSQL plans with them, and psycopg has less to send."""
    first, *pieces = sql.split("%s")
    text, left = [first], []
    for parameter, piece in zip(parameters, pieces, strict=True):
        if isinstance(parameter, Parameter):
            left.append(parameter)
            text += ["%s", piece]
        else:
            text += [backend.literal(parameter).replace("%", "%%"), piece]
    return "".join(text), left


def _converted(
    row: tuple[Any, ...], converters: Mapping[int, Any], backend: BaseDatabaseWrapper
) -> tuple[Any, ...]:
    values = list(row)
    for position, (functions, expression) in converters.items():
        for convert in functions:
            values[position] = convert(values[position], expression, backend)
    return tuple(values)
