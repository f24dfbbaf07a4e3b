"""How much one transaction of a bulk write takes on, so that SQLite's other writers have turns.

SQLite has one writer at a time: a decision or a callback waits for as long as a bulk write holds
the lock. How long that is depends on the machine and on what else runs there: it is measured.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, TypeVar

from django.db import connection, transaction

HOLD_SECONDS: Final = 0.05  # of the lock, at most, where fewer rows can help
PAUSE_SECONDS: Final = 0.005  # between two transactions, at least
LEAST_SHARE: Final = 5  # of the rows: what a transaction costs whatever it writes must pay
GROWTH: Final = 1.25

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
