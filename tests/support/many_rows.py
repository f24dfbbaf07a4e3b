"""Many rows, made inside PostgreSQL, and what PostgreSQL does to find a few of them."""

from collections.abc import Callable, Iterator
from typing import Any

from django.db import connection, models, transaction
from django.test.utils import CaptureQueriesContext


def multiply(row: models.Model, count: int, **columns: str) -> None:
    """Insert copies of a row with the next `count` primary keys.

    `columns` are SQL expressions, in which `n` is the number of the copy (1 to `count`).
    """
    quote = connection.ops.quote_name
    names = [str(field.column) for field in row._meta.concrete_fields]
    values = {"id": f"{row.pk} + n", **columns}
    selected = ", ".join(values.get(name, f"original.{quote(name)}") for name in names)
    table = quote(row._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(map(quote, names))}) SELECT {selected} "
            f"FROM {table} AS original, generate_series(1, {count}) AS n "
            f"WHERE original.id = {row.pk}"
        )
        sequence = f"pg_get_serial_sequence('{row._meta.db_table}', 'id')"
        cursor.execute(f"SELECT setval({sequence}, {row.pk + count})")


def explain(call: Callable[[], Any], part: str) -> dict[str, Any]:
    """Explain the first query of a call that has this part. Nothing stays of what the call does.

    Returns the plan and the times of EXPLAIN ANALYZE: "Plan", "Execution Time" in milliseconds.
    """
    with transaction.atomic():
        with CaptureQueriesContext(connection) as queries:
            call()
        transaction.set_rollback(True)
    query = next(each["sql"] for each in queries if part in each["sql"])
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {query}")
        return dict(cursor.fetchone()[0][0])


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The steps of a plan."""
    yield plan
    for each in plan.get("Plans", []):
        yield from nodes(each)
