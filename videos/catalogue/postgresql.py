"""The path of PostgreSQL: a plan for each shape of filters, so that a list is fast at any size.

The total comes from the counts that triggers keep, where they cover the filters. The ids of the
page come from an index; only the rows of the page are read in full.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from django.db import connection, transaction
from django.db.models import QuerySet

from videos.catalogue import measuring, plain, seek
from videos.catalogue.query import ListQuery, Page, Row, step_of
from videos.catalogue.sql import Sql, all_of, indexed, value_of
from videos.catalogue.totals import total_of

_MOST_OFFSET: Final = 2**62  # of a bigint of PostgreSQL


@dataclass(frozen=True, slots=True)
class Plan:
    """One statement with both parts: of one snapshot."""

    total: Sql  # a scalar subquery
    ids: Sql  # a SELECT of the ids on the page


def page_of(rows: QuerySet[Row], query: ListQuery) -> Page[Row]:
    """One page of videos and the exact total, of one snapshot.

    `rows` says which columns are wanted. Its conditions are those of `query`: the plan has them.
    """
    if query.vod_id:  # one row at most
        return plain.page_of(rows, query)
    plan = _plan_of(query)
    if plan is None:
        return _measured_page(rows, query)
    if query.offset < _MOST_OFFSET:
        with_total = _of_ids(rows, plan.ids).annotate(list_total=plan.total.as_expression())
        if found := list(with_total):
            return Page(found, found[0].list_total)  # type: ignore[attr-defined]  # annotated
    return Page([], value_of(plan.total))


def _plan_of(query: ListQuery) -> Plan | None:
    """Return None where the plan depends on how many rows match: see `measuring`."""
    needs_measure = query.title or query.user_name or query.updated_since
    if needs_measure or query.cursor is not None:
        return None
    if query.offset >= seek.DEEP and not query.user_id:
        return Plan(total_of(query), seek.deep_ids(query))
    newest = seek.newest(query.page_size, query.offset)
    return Plan(total_of(query), seek.walk(all_of(indexed(query)), newest))


def _measured_page(rows: QuerySet[Row], query: ListQuery) -> Page[Row]:
    with _one_snapshot():
        total, ids = measuring.measure(query)
        if query.cursor is not None:
            return step_of(_of_ids(rows, ids).order_by("id"), query.page_size, total)
        return Page(list(_of_ids(rows, ids)) if query.offset < total else [], total)


def _of_ids(rows: QuerySet[Row], ids: Sql) -> QuerySet[Row]:
    """The same columns of the rows with these ids.

    PostgreSQL would otherwise weigh the conditions against the ids, and read, for example, all
    videos of an uploader for ten of them.
    """
    found = rows.all()
    found.query.where = type(found.query.where)()
    return found.filter(pk__in=ids.as_expression())


@contextmanager
def _one_snapshot() -> Iterator[None]:
    """Both statements see the same rows. Inside a transaction they are what it sees."""
    if connection.in_atomic_block:
        yield
        return
    with transaction.atomic(), connection.cursor() as cursor:
        # Two workers of one search would take longer to start than most searches last.
        cursor.execute(
            "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;"
            "SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL work_mem = '64MB'"
        )
        yield
