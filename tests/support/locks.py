"""Whether another connection waits for a lock of this one: a state that a test can wait for."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from django.db import connection

from shortvideo.fair_sqlite import base


@contextmanager
def watching_waiters() -> Iterator[Callable[[], bool]]:
    """Yields a function: whether another connection waits for a lock of this one.

    On SQLite: whether a statement of this process has waited for the write lock in the block.
    """
    if connection.vendor == "postgresql":
        yield _is_blocking
        return
    has_waited = threading.Event()

    def sleep(seconds: float) -> None:
        has_waited.set()
        time.sleep(seconds)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(base, "time", SimpleNamespace(monotonic=time.monotonic, sleep=sleep))
        yield has_waited.is_set


def _is_blocking() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted"
            " AND pg_backend_pid() = ANY (pg_blocking_pids(pid)))"
        )
        [is_blocking] = cursor.fetchone()
    return bool(is_blocking)
