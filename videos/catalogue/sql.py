"""SQL with its parameters, in pieces; and the filters of a list as conditions on `videos_video`."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection

from shortvideo.compiled import planning_cursor
from videos.catalogue.query import ListQuery


@dataclass(frozen=True, slots=True)
class Sql:
    """A piece of a statement; each `%s` in the text stands for a parameter.

    The text comes from this package alone. What users send is a parameter.
    """

    text: str
    params: tuple[Any, ...] = ()

    def __add__(self, other: "Sql | str") -> "Sql":
        piece = Sql(other) if isinstance(other, str) else other
        return Sql(f"{self.text} {piece.text}", (*self.params, *piece.params))

    def __radd__(self, other: str) -> "Sql":
        return Sql(f"{other} {self.text}", self.params)

    def fetch(self, *, keeps_plan: bool = False) -> list[tuple[Any, ...]]:
        """Run it. With `keeps_plan` PostgreSQL parses and plans the text once for a connection."""
        with planning_cursor() if keeps_plan else connection.cursor() as cursor:
            cursor.execute(self.text, self.params)
            return list(cursor.fetchall())


VISIBLE: Final = Sql("deleted_at IS NULL")


def all_of(conditions: Iterable[Sql]) -> Sql:
    pieces = list(conditions)
    params = tuple(param for piece in pieces for param in piece.params)
    return Sql(" AND ".join(piece.text for piece in pieces), params)


def value_of(scalar: Sql) -> int:
    """The number that a scalar subquery finds."""
    ((value,),) = ("SELECT" + scalar).fetch()
    return int(value)


def uploader_of(query: ListQuery) -> Sql:
    """The id of the uploader whom the query names, as a value."""
    return Sql("(SELECT id FROM accounts_uploader WHERE user_id = %s)", (query.user_id,))


def status_is(query: ListQuery) -> list[Sql]:
    return [Sql("censor_status = %s", (query.censor_status,))] if query.censor_status else []


def in_time(query: ListQuery) -> list[Sql]:
    bounds = (("creation_time >= %s", query.start_at), ("creation_time < %s", query.end_before))
    return [Sql(text, (moment,)) for text, moment in bounds if moment is not None]


def changed_since(query: ListQuery) -> list[Sql]:
    return [Sql("changed_at >= %s", (query.updated_since,))] if query.updated_since else []


def indexed(query: ListQuery) -> list[Sql]:
    """Visible, status, time and user id: each index of the newest videos begins with one or two."""
    uploader = ["uploader_id =" + uploader_of(query)] if query.user_id else []
    return [VISIBLE, *uploader, *status_is(query), *in_time(query)]
