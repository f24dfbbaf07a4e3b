"""The measurements of `benchmarks.review_million`, in a process that has Django set up."""

import statistics
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from benchmarks.review_rows import ORDERS, Rows

TIMES = 20


def measure(videos: int, tasks: int) -> None:
    started_at = time.monotonic()
    rows = Rows(videos, tasks)
    print(f"{videos:,} videos, {tasks:,} open tasks: made in {time.monotonic() - started_at:.0f} s")
    _measure_calls(rows)
    for name, harder in rows.harder():
        harder()
        times = ", ".join(f"{order} first {_explained(rows, order)}" for order in ORDERS)
        print(f"next clips, {name}: {times}", flush=True)


def _measure_calls(rows: Rows) -> None:
    client = Client()
    client.force_login(rows.operator, settings.AUTHENTICATION_BACKENDS[-1])

    def claim(order: str) -> Any:
        data = {"page": uuid4(), "limit": 1, "order": order}
        return client.post(reverse("review:clips"), data)

    calls: dict[str, Callable[[], Any]] = {
        "the review page": lambda: client.get(reverse("review:page")),
        "the next clip, oldest first": lambda: claim("oldest"),
        "the next clip, riskiest first": lambda: claim("riskiest"),
        "the clip before": lambda: client.post(reverse("review:past"), {"page": rows.page}),
        "the first page": lambda: client.get(reverse("admin:index")),
    }
    for name, call in calls.items():
        print(f"{name}: {_measured(call)}", flush=True)


def _measured(call: Callable[[], Any]) -> str:
    cpu, total = [], []
    for _number in range(TIMES):
        cpu_before, before = time.process_time(), time.perf_counter()
        response = call()
        cpu.append((time.process_time() - cpu_before) * 1000)
        total.append((time.perf_counter() - before) * 1000)
        assert response.status_code == 200, response.content
    with CaptureQueriesContext(connection) as queries:
        size = len(call().content)
    asked = [query for query in queries if query["sql"] not in ("BEGIN", "COMMIT")]
    return (
        f"{len(asked)} queries, {size:,} bytes, {statistics.median(cpu):.0f} ms of server CPU, "
        f"{statistics.median(total):.0f} ms"
    )


def _explained(rows: Rows, order: str) -> str:
    """The milliseconds in PostgreSQL: the median, and the first one."""
    times = [rows.explain(order)["Execution Time"] for _number in range(TIMES)]
    return f"{statistics.median(times):.2f} ms (at first {times[0]:.2f})"
