"""One worker process over SQLite: a lock file beside the database, freed by the system at death."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection


class AnotherWorkerError(Exception):
    """The message is one sentence, fit to show."""


@contextmanager
def only_worker() -> Iterator[None]:
    """Hold the place of the only worker; nothing to hold where any number may run.

    Raises AnotherWorkerError when another process holds it.
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
