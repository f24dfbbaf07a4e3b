"""One worker process on SQLite: a lock file that the system frees when its holder dies."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection


class AnotherWorkerError(Exception):
    """Another worker runs on this SQLite database. str() is one sentence, safe to show."""


@contextmanager
def only_worker() -> Iterator[None]:
    """Lock out other workers on SQLite; does nothing on other databases.

    Raises AnotherWorkerError if another process has the lock.
    """
    path = _lock_path()
    if path is None:
        yield
        return
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AnotherWorkerError(
                "Another worker runs on this SQLite database, which allows one only: "
                "stop it first, or use PostgreSQL."
            ) from None
        yield


def _lock_path() -> Path | None:
    name = str(connection.settings_dict["NAME"])
    if connection.vendor != "sqlite" or name.startswith((":memory:", "file:")):
        return None
    return Path(f"{name}.worker.lock")
