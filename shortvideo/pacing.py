"""Batches of bulk writes, sized so that SQLite's other writers get their turn.

SQLite has one writer at a time: a decision or a callback waits while a bulk write holds the lock.
How long one batch holds it depends on the machine and its load, so the time is measured.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from typing import Any, Final, TypeVar

from django.db import connection, transaction
from django.db.models import QuerySet

HOLD_SECONDS: Final = 0.05  # how long a transaction may hold the lock, as a target
WALKED_AT_ONCE: Final = 500  # rows that `delete_old` reads at once, without a lock
_PAUSE_SECONDS: Final = 0.005  # shortest pause between two transactions
_LEAST_SHARE: Final = 5  # the smallest batch is a fifth: a transaction has a fixed cost
_GROWTH: Final = 1.25

T = TypeVar("T")


class Pace:
    """Batch size of one kind of bulk write in this process, adjusted after each transaction.

    Args:
        most_rows: the largest batch. PostgreSQL always gets this size: its writers wait for rows,
            not for each other.
    """

    def __init__(self, most_rows: int) -> None:
        self._most_rows = most_rows
        self._least_rows = max(1, most_rows // _LEAST_SHARE)
        self._rows = float(most_rows)
        self._resumes_at = 0.0

    @property
    def rows(self) -> int:
        """Number of rows that the next transaction should write."""
        return int(self._rows) if connection.vendor == "sqlite" else self._most_rows

    def batches(self, items: Sequence[T]) -> Iterator[Sequence[T]]:
        """Yield the items in batches, each for one transaction."""
        start = 0
        while start < len(items):
            batch = items[start : start + self.rows]
            yield batch
            start += len(batch)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Pause after the last transaction, open a new one, then adjust the batch size."""
        if connection.vendor == "sqlite" and not connection.in_atomic_block:
            time.sleep(max(0.0, self._resumes_at - time.monotonic()))
        with transaction.atomic():
            started = time.monotonic()
            yield
            seconds = time.monotonic() - started
        if seconds > HOLD_SECONDS:
            self._rows = max(self._least_rows, self._rows * HOLD_SECONDS / seconds)
        else:
            self._rows = min(self._most_rows, self._rows * _GROWTH)
        self._resumes_at = time.monotonic() + max(_PAUSE_SECONDS, seconds / 5)


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield the items in lists of `size`; the last may be shorter (Python 3.12: itertools)."""
    remaining = iter(items)
    while batch := list(islice(remaining, size)):
        yield batch


def delete_old(
    rows: QuerySet[Any], pace: Pace, *, before: datetime, created_field: str = "created_at"
) -> int:
    """Delete old rows in one walk through their table. Returns the number of deleted rows.

    Args:
        rows: the rows that may be deleted; each transaction evaluates the query again.
        before: rows of this time or later stay.
        created_field: the field with the time of a row. It grows with the primary key, except for
            rows created at nearly the same time: the walk ends where WALKED_AT_ONCE rows in
            sequence are all young.
    """
    table = rows.model._default_manager.order_by("pk")
    count = last_pk = 0
    while found := list(
        table.filter(pk__gt=last_pk).values_list("pk", created_field)[:WALKED_AT_ONCE]
    ):
        last_pk = found[-1][0]
        old = [pk for pk, created_at in found if created_at < before]
        deletable = list(rows.filter(pk__in=old).values_list("pk", flat=True))
        for batch in pace.batches(deletable):
            with pace.transaction():
                _, deleted = rows.filter(pk__in=batch).delete()
            count += deleted.get(rows.model._meta.label, 0)
        if not old:
            break
    return count
