"""One full sync in this process, with the CPU time of the SDK apart.

`benchmarks.sync_catalogue` runs it in the environment of `manage.py`. Prints one JSON object. Our
own work lasts from the SDK's answer to the commit, on our side and in PostgreSQL's process.
"""

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django


class Stopwatch:
    """Adds up the CPU seconds of the SDK's calls, in all threads."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._lock = threading.Lock()

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any) -> Any:
            started = time.thread_time()
            try:
                return call(*arguments)
            finally:
                with self._lock:
                    self.seconds += time.thread_time() - started

        return timed


def database_figures() -> tuple[float, int]:
    """CPU seconds of our session in PostgreSQL, and bytes of WAL so far; zeros on SQLite."""
    from django.db import connection  # noqa: PLC0415 - after django.setup()

    if connection.vendor != "postgresql":
        return 0.0, 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid(), pg_current_wal_lsn() - '0/0'")
        pid, wal_bytes = cursor.fetchone()
    nanoseconds = Path(f"/proc/{pid}/schedstat").read_text().split()[0]
    return int(nanoseconds) / 1e9, int(wal_bytes)


def main() -> None:
    django.setup()

    from shortvideo.cloud.client import Service  # noqa: PLC0415 - after django.setup()
    from videos import sync  # noqa: PLC0415 - after django.setup()

    stopwatch = Stopwatch()
    Service._call = stopwatch.around(Service._call)  # type: ignore[method-assign]  # measured
    database_before, wal_before = database_figures()
    cpu_before, started = time.process_time(), time.perf_counter()
    seen, timeline = 0, {}
    run = sync.resume_or_start(is_full=True)
    for count in sync.walk(run):
        seen += count
        timeline[int(time.perf_counter() - started)] = seen
    cpu_seconds = time.process_time() - cpu_before
    database_after, wal_after = database_figures()
    figures = {
        "new": run.new_count,
        "unchanged": run.unchanged_count,
        "own_seconds": cpu_seconds - stopwatch.seconds,
        "sdk_seconds": stopwatch.seconds,
        "database_seconds": database_after - database_before,
        "wal_bytes": wal_after - wal_before,
        "timeline": list(timeline.items()),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
