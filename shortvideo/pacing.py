"""How much one transaction of a bulk write takes on, so that SQLite's other writers have turns.

SQLite has one writer at a time: a decision or a callback waits for as long as a bulk write holds
the lock. How long that is depends on the machine and on what else runs there: it is measured.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final, TypeVar

from django.db import connection, transaction
from django.db.models import QuerySet

HOLD_SECONDS: Final = 0.05  # of the lock, at most, where fewer rows can help
PAUSE_SECONDS: Final = 0.005  # between two transactions, at least
LEAST_SHARE: Final = 5  # of the rows: what a transaction costs whatever it writes must pay
GROWTH: Final = 1.25
WALKED_AT_ONCE: Final = 500  # rows that are looked at, without a lock

T = TypeVar("T")


class Pace:
    """The pace of one kind of bulk write in this process.

    Args:
        most_rows: in one transaction, however fast they are. PostgreSQL always gets so many: its
            writers wait for rows and not for each other.
    """

    def __init__(self, most_rows: int) -> None:
        self._most_rows = most_rows
        self._least_rows = max(1, most_rows // LEAST_SHARE)
        self._rows = float(most_rows)
        self._resumes_at = 0.0

    @property
    def rows(self) -> int:
        """How many rows the next transaction should write."""
        return int(self._rows) if connection.vendor == "sqlite" else self._most_rows

    def portions(self, items: Sequence[T]) -> Iterator[Sequence[T]]:
        """The items in portions for one transaction each."""
        start = 0
        while start < len(items):
            portion = items[start : start + self.rows]
            yield portion
            start += len(portion)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A transaction, a moment after the last one; it changes how much the next one takes."""
        if connection.vendor == "sqlite" and not connection.in_atomic_block:
            time.sleep(max(0.0, self._resumes_at - time.monotonic()))
        with transaction.atomic():
            started = time.monotonic()
            yield
            seconds = time.monotonic() - started
        if seconds > HOLD_SECONDS:
            self._rows = max(self._least_rows, self._rows * HOLD_SECONDS / seconds)
        else:
            self._rows = min(self._most_rows, self._rows * GROWTH)
        self._resumes_at = time.monotonic() + max(PAUSE_SECONDS, seconds / 5)


def delete_old(
    rows: QuerySet[Any], pace: Pace, *, before: datetime, came: str = "created_at"
) -> int:
    """Delete the old ones of some rows in one walk, until none is left; returns how many.

    Args:
        rows: what may be deleted; asked once more by each transaction.
        before: what came then or later stays.
        came: the field that says when a row came. It grows with the primary key, but for what
            came at nearly the same time: the walk ends where no row of a portion is old.
    """
    table = rows.model._default_manager.order_by("pk")
    count = last = 0
    while seen := list(table.filter(pk__gt=last).values_list("pk", came)[:WALKED_AT_ONCE]):
        last = seen[-1][0]
        old = [pk for pk, moment in seen if moment < before]
        doomed = list(rows.filter(pk__in=old).values_list("pk", flat=True))
        for portion in pace.portions(doomed):
            with pace.transaction():
                _, deleted = rows.filter(pk__in=portion).delete()
            count += deleted.get(rows.model._meta.label, 0)
        if not old:
            break
    return count
