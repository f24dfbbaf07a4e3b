"""The price of the counts for writers on PostgreSQL: `python -m benchmarks.counting`.

The database of DATABASE_URL was filled by `python -m benchmarks.million`. Each round writes with
and without the triggers, in random order, and rolls back. Ratios are of medians.
"""

import argparse
import os
import random
import statistics
import threading
import time
from collections import defaultdict
from typing import Any, Final

_ROWS: Final = 1_000
_DECIDERS, _BULK = 8, 10_000
_COPIED: Final = (
    "title, title_search, description, tags, cate_id, cate_name, uploader_id, duration, size,"
    " creation_time, cover, first_frame, share_url, source_path, snapshots, files, files_read_at,"
    " status, audit_status, template_group_id, censor_status, transcode_status,"
    " narrow_transcode_status, snapshot_status, source_version, censor_changed_at, read_at,"
    " first_seen_at, changed_at, deleted_at"
)
_SOME: Final = "id IN (SELECT id FROM videos_video WHERE id %% 997 = 3 AND id > %s LIMIT %s)"
_WRITES: Final = {
    "insert": f"INSERT INTO videos_video (vod_id, {_COPIED}) SELECT 'new' || id, {_COPIED}"
    f" FROM videos_video WHERE {_SOME}",
    "change of status": "UPDATE videos_video SET censor_status = CASE censor_status"
    f" WHEN 'fail' THEN 'success' ELSE 'fail' END WHERE {_SOME}",
    "change of no counted column": f"UPDATE videos_video SET read_at = now() WHERE {_SOME}",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shortvideo.settings")
    import django  # noqa: PLC0415 - after the settings are named

    django.setup()
    for name, write in [*_WRITES.items(), ("200 single changes of status", "")]:
        with_counts, without = _compare(write, rounds)
        ratio = f"{with_counts / without:.2f}"
        print(
            f"{name:30} {ratio} ({with_counts * 1_000:.0f} / {without * 1_000:.0f} ms)", flush=True
        )
    _decide_beside_a_bulk()


def _compare(write: str, rounds: int) -> tuple[float, float]:
    """Return the median seconds with and without the triggers."""
    seconds: dict[bool, list[float]] = defaultdict(list)
    for number in range(rounds):
        for is_counted in random.sample([True, False], 2):
            seconds[is_counted].append(_run(write, number * _ROWS, is_counted=is_counted))
    return statistics.median(seconds[True]), statistics.median(seconds[False])


def _run(write: str, first_id: int, *, is_counted: bool) -> float:
    from django.db import connection, transaction  # noqa: PLC0415 - see `main`

    with transaction.atomic(), connection.cursor() as cursor:
        if not is_counted:
            for event in ("insert", "update", "delete"):
                cursor.execute(f"ALTER TABLE videos_video DISABLE TRIGGER videos_count_{event}")
        started = time.perf_counter()
        if write:
            cursor.execute(write, [first_id, _ROWS])
        else:
            for number in range(200):
                cursor.execute(
                    "UPDATE videos_video SET censor_status = 'check' WHERE id = %s",
                    [first_id + number + 1],
                )
        seconds = time.perf_counter() - started
        transaction.set_rollback(True)
    return seconds


def _decide_beside_a_bulk() -> None:
    """Count the decisions that wait for a lock while a bulk is uncommitted, and their latency."""
    from django.db import connection, transaction  # noqa: PLC0415 - see `main`

    for bulk in (0, _BULK):
        latencies: list[float] = []
        errors: list[str] = []
        stop = threading.Event()
        threads = [
            threading.Thread(target=_decide, args=(number, stop, latencies, errors))
            for number in range(_DECIDERS)
        ]
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "UPDATE videos_video SET censor_status = 'fail' WHERE id IN (SELECT id FROM"
                " videos_video WHERE id > 100000 ORDER BY id LIMIT %s)",
                [bulk],
            )
            for thread in threads:
                thread.start()
            time.sleep(5)
            stop.set()
            for thread in threads:
                thread.join()
            transaction.set_rollback(True)
        middle = statistics.median(latencies) * 1_000
        print(
            f"{_DECIDERS} deciders beside a bulk of {bulk:,}: {len(latencies)} decisions,"
            f" median {middle:.1f} ms, {len(errors)} waited for a lock {sorted(set(errors))}"
        )


def _decide(number: int, stop: threading.Event, latencies: list[float], errors: list[Any]) -> None:
    from django.db import OperationalError, connection  # noqa: PLC0415 - see `main`

    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '100ms'")
        row = number * 10_000 + 1
        while not stop.is_set():
            row += 1
            started = time.perf_counter()
            try:
                cursor.execute(
                    "UPDATE videos_video SET censor_status = CASE censor_status"
                    " WHEN 'fail' THEN 'success' ELSE 'fail' END WHERE id = %s",
                    [row],
                )
            except OperationalError as error:
                errors.append(str(error).partition("\n")[0])
            latencies.append(time.perf_counter() - started)
    connection.close()


if __name__ == "__main__":
    main()
