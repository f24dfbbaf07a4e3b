"""The database time of lists, by shape of filters: `python -m benchmarks.lists`.

The database of DATABASE_URL was filled by `python -m benchmarks.million`. Times are the best and
the median of the runs, by the clock of the client: all queries of a list together.
"""

import argparse
import os
import statistics
import time
from datetime import UTC, datetime
from typing import Any, Final

_MARCH, _JUNE = datetime(2024, 3, 3, 3, tzinfo=UTC), datetime(2024, 6, 6, 6, tzinfo=UTC)
_HEAVY: Final = {"user_id": "user-1"}
SHAPES: Final[dict[str, dict[str, Any]]] = {
    "no filter": {},
    "page 50": {"page_index": 50},
    "half way": {"at": 0.5},
    "last page": {"at": 1},
    "status": {"censor_status": "check"},
    "status, half way": {"censor_status": "success", "at": 0.5},
    "status, last page": {"censor_status": "success", "at": 1},
    "rare status, last page": {"censor_status": "fail", "at": 1},
    "user": _HEAVY,
    "user, last page": {**_HEAVY, "at": 1},
    "user and status": {**_HEAVY, "censor_status": "fail"},
    "user and times": {**_HEAVY, "start_at": _MARCH, "end_before": _JUNE},
    "times": {"start_at": _MARCH, "end_before": _JUNE},
    "times, last page": {"start_at": _MARCH, "end_before": _JUNE, "at": 1},
    "times and status": {"end_before": _JUNE, "censor_status": "fail"},
    "one hour": {"start_at": _MARCH, "end_before": _MARCH.replace(hour=4)},
    "title, rare, 7 letters": {"title": "zyxomma"},
    "title, rare, 2 letters": {"title": "zy"},
    "title, rare, 1 Chinese": {"title": "鑫"},
    "title, none": {"title": "quagga"},
    "title, 1.2 %": {"title": "瀑布"},
    "title, 14 %": {"title": "coffee"},
    "title, 14 %, page 1,000": {"title": "coffee", "page_index": 1_000},
    "title, 10 %, 2 Chinese": {"title": "夏天"},
    "title, 90 %, 1 letter": {"title": "e"},
    "title 14 % and status": {"title": "coffee", "censor_status": "fail"},
    "title 14 % and user": {"title": "coffee", **_HEAVY},
    "title 14 % and times": {"title": "coffee", "start_at": _MARCH, "end_before": _JUNE},
    "user name, rare": {"user_name": "coffee 9e3"},
    "user name, 9 %": {"user_name": "coffee"},
    "changed in the last days": {"updated_since": datetime(2025, 12, 29, tzinfo=UTC)},
    "walk by id": {"cursor": 0},
    "walk by id, status": {"cursor": 0, "censor_status": "fail"},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=9)
    runs = parser.parse_args().runs
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shortvideo.settings")
    import django  # noqa: PLC0415 - after the settings are named

    django.setup()
    for name, filters in SHAPES.items():
        total, best, middle = _measure(filters, runs)
        print(f"{name:28} {total:>10,} {best:>10.2f} {middle:>10.2f} ms", flush=True)


def _measure(filters: dict[str, Any], runs: int) -> tuple[int, float, float]:
    from videos.catalogue import ListQuery, page_ids  # noqa: PLC0415 - see `main`

    values = {"page_size": 20, **filters}
    part = values.pop("at", None)
    query = ListQuery(**values)
    page = page_ids(query)
    if part is not None:
        query = ListQuery(**values, page_index=max(1, int(page.total * part) // 20))
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        page = page_ids(query)
        times.append(time.perf_counter() - started)
    return page.total, min(times) * 1_000, statistics.median(times) * 1_000


if __name__ == "__main__":
    main()
