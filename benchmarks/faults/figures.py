"""Figures of the outbox: `python -m benchmarks.faults.figures [NAME ...] [--output FILE]`.

Measures the named figures, or all. Each starts its own server with default settings and prints its
rows of a table as soon as they are known. A row says whether its target was met; the exit status is
1 if a target was missed. `--bulk-count` makes `bulk` smaller, for a trial.
"""

import argparse
import hashlib
import logging
import math
import statistics
import sys
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import httpx
import orjson

from tests.faults.storm.circumstances import Load, commit
from tests.faults.storm.clients import ApiClient
from tests.faults.storm.observer import Observer
from tests.faults.storm.world import CALLBACK_KEY, World, manage, world
from tests.support.localvod import ROOT

PASSWORD = "correct horse battery staple"
INSIDE = "benchmarks.faults.inside"  # runs in a process that has Django set up
DATABASES = (("PostgreSQL", False), ("SQLite", True))
# Without the cloud, median and 95th percentile of a decision may be longer by these factors: noise
# of a busy machine.
SLOWER, SLOWER_AT_WORST = 1.25, 1.5
BULK_COUNT = 10_000
BATCH = 100
WARM_UP = 20  # the first decisions of a new server are slow and are not measured
SENDING_SECONDS = 900.0  # limit for one worker to send all deliveries; 100 s on an idle machine


@dataclass(frozen=True)
class Row:
    """A row of the table. `target` may be empty."""

    name: str
    measured: str
    target: str = ""
    is_met: bool = True

    def __str__(self) -> str:
        verdict = ("met" if self.is_met else "**missed**") if self.target else ""
        return f"| {self.name} | {self.measured} | {self.target} | {verdict} |"


def kill_to_redelivery(runs: int = 5) -> Iterator[Row]:
    """Kill a worker in the middle of its call, alone or beside another worker.

    The supervisor starts it again, as systemd would. A worker that was alone needs that time too.
    """
    for name, workers in (("alone", ("work-1",)), ("another runs", ("work-1", "work-2"))):
        waits: list[float] = []
        with world(videos=runs, workers=workers) as place, _logged_in(place) as api:
            first, *others = (place.supervisor.programs[worker] for worker in workers)
            for vod_id in place.videos:
                # The first call hangs, is cut off and has no effect.
                place.vod.faults(
                    {"operation": "CreateAudit", "kind": "lost", "latency_seconds": 2.0, "times": 1}
                )
                with ExitStack() as held:
                    for other in others:  # so that the first worker makes the call
                        held.enter_context(other.frozen())
                    api.decide(vod_id, "Normal", "", "")
                    _wait_until(lambda: _is_leased(place))
                killed_at = time.time()
                first.kill()
                waits.append(_accepted_at(place, vod_id) - killed_at)
        yield Row(
            f"kill -9 in mid-call to re-delivery, default settings, {name}",
            _summary(waits, "s"),
            "all under 15 s",
            max(waits) < 15,
        )


def decision_to_accepted(samples: int = 120) -> Iterator[Row]:
    """The time from the request to VOD's acceptance, with a healthy cloud."""
    waits: list[float] = []
    with world(videos=samples) as place, _logged_in(place) as api:
        for number, vod_id in enumerate(place.videos):
            time.sleep(0.1 + 0.05 * (number % 13))  # hit every phase of the worker's poll
            decided_at = time.time()
            api.decide(vod_id, "Normal", "", "")
            waits.append(_accepted_at(place, vod_id) - decided_at)
        yield Row(
            f"decision to CreateAudit accepted ({samples} samples)",
            _summary(waits, "s"),
            "median under 1 s",
            statistics.median(waits) < 1,
        )


def bulk(count: int = BULK_COUNT) -> Iterator[Row]:
    """Record many decisions without a worker, then send them with one worker.

    The decisions are written in bulk and the worker sends nothing else: neither the decisions nor
    their callbacks are measured here.
    """
    for name, is_sqlite in DATABASES:
        with world(videos=count, workers=(), is_sqlite=is_sqlite) as place:
            with Observer(ROOT, place.environment, INSIDE) as inside:
                inside.ask("decide_all")
                claims = inside.ask("claim_milliseconds", 30, BATCH)
                yield Row(
                    f"claim of {BATCH} among {count:,} waiting, {name}",
                    _summary(claims, "ms"),
                    "median under 50 ms",
                    statistics.median(claims) < 50,
                )
                place.start_worker("work-1", "--kinds", "create_audit")
                _wait_until(lambda: inside.ask("waiting_count") == 0, SENDING_SECONDS, pause=0.5)
                first, last = inside.ask("first_and_last_done_at")
            calls = place.vod.ledger("CreateAudit", accepted=True)
            sizes = Counter(len(call["effect"]["audits"]) for call in calls)
            yield Row(
                f"calls in which {count:,} decisions left, {name}",
                ", ".join(f"{number} of {size}" for size, number in sizes.items()),
                f"{count // BATCH} of {BATCH}",
                sizes == {BATCH: count // BATCH},
            )
            rate = count / max(last - first, 0.001)
            yield Row(f"decisions that one worker sends, {name}", f"{rate:,.0f} in a second")


def cloud_up_and_down(rounds: int = 3, samples: int = 40) -> Iterator[Row]:
    """The latency of createAudit while VOD answers, refuses connections and hangs, by turns."""
    states: dict[str, Callable[[World], AbstractContextManager[None]]] = {
        "up": _cloud_up,
        "down": _cloud_down,
        "hanging": _cloud_hanging,
    }
    times: dict[str, list[float]] = {name: [] for name in states}
    count = WARM_UP + rounds * len(states) * samples
    with world(videos=count) as place, _logged_in(place) as api:
        videos = iter(place.videos)
        for vod_id in islice(videos, WARM_UP):
            api.decide(vod_id, "Normal", "", "")
        for name, state in [*states.items()] * rounds:
            with state(place):
                for _ in range(samples):
                    started = time.perf_counter()
                    api.decide(next(videos), "Normal", "", "")
                    times[name].append((time.perf_counter() - started) * 1_000)
                    time.sleep(0.03)
    yield Row("createAudit's latency, cloud up", _summary(times["up"], "ms"))
    for name in ("down", "hanging"):
        yield Row(
            f"createAudit's latency, cloud {name}",
            _summary(times[name], "ms"),
            f"median at most {SLOWER:g}, p95 {SLOWER_AT_WORST:g} times those with the cloud up",
            _is_as_fast(times[name], times["up"]),
        )


def _is_as_fast(times: Sequence[float], usual: Sequence[float]) -> bool:
    is_usual = statistics.median(times) <= SLOWER * statistics.median(usual)
    return is_usual and _p95(times) <= SLOWER_AT_WORST * _p95(usual)


@contextmanager
def _cloud_up(_: World) -> Iterator[None]:
    yield


@contextmanager
def _cloud_down(place: World) -> Iterator[None]:
    """VOD refuses connections."""
    place.supervisor.programs["localvod"].stop()
    yield
    place.start_localvod()


@contextmanager
def _cloud_hanging(place: World) -> Iterator[None]:
    """VOD accepts connections and does not answer."""
    with place.supervisor.programs["localvod"].frozen():
        yield


def callbacks_during_sync(videos: int = 20_000) -> Iterator[Row]:
    """Send signed callbacks to gunicorn over SQLite while a full sync writes a large catalogue.

    All videos are new: the sync reads the history of decisions of each, and a worker reads their
    files at the same time.
    """
    times: list[float] = []
    with world(videos=1, is_sqlite=True, workers=("work-1",)) as place:
        place.vod.catalogue(videos)
        started = time.monotonic()
        with ThreadPoolExecutor(1) as pool, httpx.Client(timeout=30, trust_env=False) as http:
            sync = pool.submit(manage, place.environment, "sync_videos", "--full")
            while not sync.done():
                times.append(_send_callback(http, place.environment["VOD_CALLBACK_URL"]) * 1_000)
                time.sleep(0.05)
            sync.result()
        lasted = time.monotonic() - started
    name = f"callbacks on SQLite during a sync of {videos:,} ({lasted:.0f} s, {len(times)} of them)"
    yield Row(name, _summary(times, "ms"), "all under 1 s", max(times) < 1_000)


def _send_callback(http: httpx.Client, url: str) -> float:
    """Send a new event. Returns the seconds until the answer 200, or raises RuntimeError."""
    timestamp = str(int(time.time()))
    signed = f"{url}|{timestamp}|{CALLBACK_KEY}".encode()
    body = {
        "EventType": "VideoAnalysisComplete",
        "EventTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "VideoId": uuid.uuid4().hex,
        "Status": "success",
    }
    headers = {
        "X-VOD-TIMESTAMP": timestamp,
        "X-VOD-SIGNATURE": hashlib.md5(signed, usedforsecurity=False).hexdigest(),
        "Content-Type": "application/json",
    }
    started = time.perf_counter()
    answer = http.post(url, content=orjson.dumps(body), headers=headers)
    if answer.status_code != 200:
        raise RuntimeError(f"A callback got the answer {answer.status_code}: {answer.text}")
    return time.perf_counter() - started


def _logged_in(place: World) -> ApiClient:
    [name] = place.observer.ask("make_operators", 1, PASSWORD)
    api = ApiClient(place.url)
    api.login(name, PASSWORD)
    return api


def _is_leased(place: World) -> bool:
    rows = place.observer.ask("open_deliveries")
    return any(kind == "create_audit" and state == "leased" for kind, state, _ in rows)


def _accepted_at(place: World, vod_id: str) -> float:
    """Wait until VOD accepts a decision about this video. Returns the time in unix seconds."""
    times: list[float] = []

    def is_accepted() -> bool:
        calls = place.vod.ledger("CreateAudit", video_id=vod_id, accepted=True)
        times.extend(call["at"] for call in calls)
        return bool(times)

    _wait_until(is_accepted, 120)
    return times[0]


def _wait_until(condition: Callable[[], bool], seconds: float = 60, *, pause: float = 0.02) -> None:
    ends_at = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends_at:
            raise TimeoutError(f"The condition was not true within {seconds:g} s.")
        time.sleep(pause)


def _summary(values: Sequence[float], unit: str) -> str:
    """Median, 95th percentile and maximum."""
    digits = 1 if unit == "ms" else 2
    parts = (
        ("median", statistics.median(values)),
        ("p95", _p95(values)),
        ("max", max(values)),
    )
    return ", ".join(f"{name} {value:.{digits}f} {unit}" for name, value in parts)


def _p95(values: Sequence[float]) -> float:
    """The 95th percentile: at most one value in twenty is larger."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(0.95 * len(ordered)) - 1)]


HEADER = ("| figure | measured | target | |", "| --- | --- | --- | --- |")
FIGURES = (
    kill_to_redelivery,
    decision_to_accepted,
    bulk,
    cloud_up_and_down,
    callbacks_during_sync,
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    names = [figure.__name__ for figure in FIGURES]
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names))
    parser.add_argument("--bulk-count", type=int, default=BULK_COUNT, metavar="N")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the table to FILE")
    arguments = parser.parse_args()
    if arguments.bulk_count <= 0 or arguments.bulk_count % BATCH:
        parser.error(f"--bulk-count must be a multiple of {BATCH}.")
    if unknown := set(arguments.names) - set(names):
        parser.error(f"unknown: {', '.join(sorted(unknown))}. Known: {', '.join(names)}.")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    load, lines, is_met = Load(), [*HEADER], True
    print(*HEADER, sep="\n", flush=True)
    for row in _rows_of(arguments):
        lines.append(str(row))
        is_met = is_met and row.is_met
        print(row, flush=True)
    circumstances = f"Commit {commit()}; load of the machine: {load}."
    print(circumstances)
    if arguments.output:
        text = "\n".join([circumstances, "", *lines])
        arguments.output.write_text(f"{text}\n", encoding="utf-8")
    return 0 if is_met else 1


def _rows_of(arguments: argparse.Namespace) -> Iterator[Row]:
    for figure in FIGURES:
        if not arguments.names or figure.__name__ in arguments.names:
            yield from figure(arguments.bulk_count) if figure is bulk else figure()


if __name__ == "__main__":
    sys.exit(main())
