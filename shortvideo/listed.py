"""Rows by a list of texts, such as 100 ids, in one query whose SQL is built once.

To build the SQL, with a parameter for each text, takes Django longer than the query itself.
"""

from collections.abc import Callable, Collection
from functools import cached_property
from typing import Any, Final

import orjson
from django.db import connection
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

_TEXTS: Final = {
    "postgresql": "SELECT json_array_elements_text(%s)",
    "sqlite": "SELECT value FROM json_each(%s)",
}


class ListedQuery:
    """A query set of tuples: `ListedQuery(lambda ids: Video.objects.filter(vod_id__in=ids)...)`.

    The list must be its only parameter.
    """

    def __init__(self, build: Callable[[RawSQL], QuerySet[Any, tuple[Any, ...]]]) -> None:
        self._build = build

    def rows(self, texts: Collection[str]) -> list[tuple[Any, ...]]:
        if not texts:
            return []
        compiler, sql, converters = self._compiled
        with connection.cursor() as cursor:
            cursor.execute(sql, [orjson.dumps(list(texts)).decode()])
            rows: list[tuple[Any, ...]] = cursor.fetchall()
        return list(compiler.apply_converters(rows, converters)) if converters else rows

    @cached_property
    def _compiled(self) -> tuple[Any, str, Any]:
        query = self._build(RawSQL(_TEXTS[connection.vendor], [""])).query  # noqa: S611 - constant
        compiler = query.get_compiler(connection=connection)
        sql, _parameters = compiler.as_sql()
        columns = (column for column, _sql, _alias in compiler.select)
        return compiler, sql, compiler.get_converters(columns)
