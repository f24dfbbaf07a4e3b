"""The path of PostgreSQL: a plan for each shape of filters, so that a list is fast at any size.

The total comes from the counts that triggers keep, where they cover the filters. The ids of the
page come from an index; only the rows of the page are read in full.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from django.db import connection, transaction
from django.db.models import QuerySet

from videos.catalogue import measuring, plain, seek
from videos.catalogue.query import ListQuery, Page, Row
from videos.catalogue.sql import all_of, indexed, value_of
from videos.catalogue.totals import total_of

_MOST_OFFSET: Final = 2**62  # of a bigint; such a page is empty


def page_ids(query: ListQuery) -> Page[int]:
    """The ids of one page of videos and the exact total, of one snapshot."""
    if query.vod_id:  # one row at most
        return plain.page_ids(query)
    query = replace(query, page_index=min(query.page_index, _MOST_OFFSET // query.page_size))
    has_words = query.title or query.user_name
    if has_words or query.updated_since is not None or query.cursor is not None:
        return _measured(query)
    if query.offset >= seek.FAR and query.user_id:
        return _far_page_of_uploader(query)
    if query.offset >= seek.DEEP and not query.user_id:
        ids = seek.deep_ids(query)
    else:
        ids = seek.walk(all_of(indexed(query)), seek.newest(query.page_size, query.offset))
    statement = "SELECT ARRAY(" + ids + ")," + total_of(query)
    found, total = statement.fetch(keeps_plan=True)[0]
    return Page(found, total)


def page_of(rows: QuerySet[Row], query: ListQuery) -> Page[Row]:
    """One page of videos and the exact total, of one snapshot.

    `rows` says which columns are wanted. Its conditions are those of `query`, which the ids meet.
    PostgreSQL would weigh them against the ids, and read, for example, all videos of an uploader
    for ten of them. So they are dropped.
    """
    with _one_snapshot():
        page = page_ids(query)
        found = rows.all()
        found.query.where = type(found.query.where)()
        if query.cursor is not None:
            found = found.order_by("id")
        listed = list(found.filter(pk__in=page.rows)) if page.rows else []
        return Page(listed, page.total, page.next_cursor)


def _far_page_of_uploader(query: ListQuery) -> Page[int]:
    """There are no counts per uploader and day: skip from the nearer end."""
    with _one_snapshot():
        total = value_of(total_of(query))
        left = total - query.offset
        if left <= 0:
            return Page([], total)
        size = min(query.page_size, left)
        if left < query.offset:
            ids = seek.walk(all_of(indexed(query)), seek.oldest(size, left - size))
            return Page([id_ for (id_,) in reversed(ids.fetch())], total)
        ids = seek.walk(all_of(indexed(query)), seek.newest(size, query.offset))
        return Page([id_ for (id_,) in ids.fetch()], total)


def _measured(query: ListQuery) -> Page[int]:
    with _one_snapshot():
        total, ids = measuring.measure(query)
        found = [id_ for (id_,) in ids.fetch()] if total > query.offset else []
    if query.cursor is None:
        return Page(found, total)
    step = found[: query.page_size]
    return Page(step, total, step[-1] if len(found) > len(step) else None)


@contextmanager
def _one_snapshot() -> Iterator[None]:
    """All statements see the same rows. Inside a transaction they see what it sees."""
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
