"""Figures of the outbox: `python -m benchmarks.faults.figures [NAME ...] [--output FILE]`.

Without names all of them. Each starts a server of its own at default settings and prints a line of
a table as soon as it is known.
"""

import argparse
import hashlib
import logging
import statistics
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import httpx
import orjson

from tests.faults.storm.clients import ApiClient
from tests.faults.storm.observer import Observer
from tests.faults.storm.world import CALLBACK_KEY, World, manage, world
from tests.support.localvod import ROOT

PASSWORD = "correct horse battery staple"
INSIDE = "benchmarks.faults.inside"  # runs in a process that has Django set up
DATABASES = (("PostgreSQL", False), ("SQLite", True))
Row = tuple[str, str]


def kill_to_redelivery(runs: int = 5) -> Iterator[Row]:
    """A worker is killed in the middle of its call; systemd, or we, start it again."""
    waits: list[float] = []
    with world(videos=runs, workers=("work-1",)) as place, logged_in(place) as api:
        for vod_id in place.videos:
            # The first call hangs and is lost; nothing of it takes effect.
            place.vod.faults(
                {"operation": "CreateAudit", "kind": "lost", "latency_seconds": 2.0, "times": 1}
            )
            api.decide(vod_id, "Normal", "", "")
            wait_until(lambda: is_leased(place))
            killed_at = time.time()
            place.supervisor.programs["work-1"].kill()
            waits.append(accepted_at(place, vod_id) - killed_at)
        yield "kill -9 in mid-call to re-delivery, default settings", spread(waits, "s")


def decision_to_accepted(samples: int = 120) -> Iterator[Row]:
    """From the request's start to VOD's acceptance, with a healthy cloud."""
    waits: list[float] = []
    with world(videos=samples) as place, logged_in(place) as api:
        for number, vod_id in enumerate(place.videos):
            time.sleep(0.1 + 0.05 * (number % 13))  # at every phase of the worker's poll
            decided_at = time.time()
            api.decide(vod_id, "Normal", "", "")
            waits.append(accepted_at(place, vod_id) - decided_at)
        yield f"decision to CreateAudit accepted ({samples} samples)", spread(waits, "s")


def bulk(count: int = 10_000) -> Iterator[Row]:
    """Many decisions taken while no worker runs, then one worker."""
    for name, is_sqlite in DATABASES:
        with world(videos=count, workers=(), is_sqlite=is_sqlite) as place:
            with Observer(ROOT, place.environment, INSIDE) as within:
                within.ask("decide_all")
                claims = within.ask("claim_milliseconds", 30, 100)
                yield f"claim of 100 among {count:,} waiting, {name}", spread(claims, "ms")
                place.start_worker("work-1")
                wait_until(lambda: within.ask("waiting_count") == 0, 300)
                first, last = within.ask("done_between")
            calls = place.vod.ledger("CreateAudit", accepted=True)
            sizes = {len(call["effect"]["audits"]) for call in calls}
            yield f"{count:,} decisions, {name}", f"{len(calls)} calls of {sizes}"
            rate = count / (last - first)
            yield f"throughput of one worker, {name}", f"{rate:,.0f} decisions/s"


def cloud_up_and_down(blocks: int = 6, samples: int = 50) -> Iterator[Row]:
    """createAudit's latency, in blocks by turns: localvod answers, or nothing listens there."""
    times: dict[bool, list[float]] = {True: [], False: []}
    with world(videos=blocks * samples) as place, logged_in(place) as api:
        videos = iter(place.videos)
        for block in range(blocks):
            is_up = block % 2 == 0
            if is_up and block:
                place.start_localvod()
            elif not is_up:
                place.supervisor.programs["localvod"].stop()
            for _ in range(samples):
                started = time.perf_counter()
                api.decide(next(videos), "Normal", "", "")
                times[is_up].append((time.perf_counter() - started) * 1_000)
                time.sleep(0.03)
    for is_up, name in ((True, "up"), (False, "down")):
        yield f"createAudit's latency, cloud {name}", spread(times[is_up], "ms")


def callbacks_during_sync(videos: int = 20_000) -> Iterator[Row]:
    """Signed callbacks to gunicorn over SQLite, while a first sync writes a large catalogue."""
    with world(videos=1, is_sqlite=True, workers=("work-1",)) as place:
        place.vod.catalogue(videos)
        sync = threading.Thread(
            target=manage, args=(place.environment, "sync_videos", "--full"), name="sync"
        )
        started = time.monotonic()
        sync.start()
        times: list[float] = []
        with httpx.Client(timeout=30, trust_env=False) as http:
            while sync.is_alive():
                times.append(send_callback(http, place.environment["VOD_CALLBACK_URL"]) * 1_000)
                time.sleep(0.05)
        lasted = time.monotonic() - started
    name = f"callbacks on SQLite during a sync of {videos:,} ({lasted:.0f} s, {len(times)} of them)"
    yield name, spread(times, "ms")


def send_callback(http: httpx.Client, url: str) -> float:
    """Seconds until an event of its own was answered 200."""
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
        raise RuntimeError(f"A callback was answered {answer.status_code}: {answer.text}")
    return time.perf_counter() - started


def logged_in(place: World) -> ApiClient:
    [name] = place.observer.ask("make_operators", 1, PASSWORD)
    api = ApiClient(place.url)
    api.login(name, PASSWORD)
    return api


def is_leased(place: World) -> bool:
    rows = place.observer.ask("open_deliveries")
    return any(kind == "create_audit" and state == "leased" for kind, state, _ in rows)


def accepted_at(place: World, vod_id: str) -> float:
    """When VOD took a decision about this video, in unix seconds; waits for it."""
    found: list[float] = []

    def is_accepted() -> bool:
        calls = place.vod.ledger("CreateAudit", video_id=vod_id, accepted=True)
        found.extend(call["at"] for call in calls)
        return bool(found)

    wait_until(is_accepted, 120)
    return found[0]


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    ends_at = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends_at:
            raise TimeoutError("In vain.")
        time.sleep(0.02)


def spread(values: Sequence[float], unit: str) -> str:
    """Median, 95th percentile and maximum."""
    digits = 1 if unit == "ms" else 2
    ordered = sorted(values)
    late = ordered[max(0, round(0.95 * len(ordered)) - 1)]
    parts = (("median", statistics.median(values)), ("p95", late), ("max", ordered[-1]))
    return ", ".join(f"{name} {value:.{digits}f} {unit}" for name, value in parts)


FIGURES = (
    kill_to_redelivery,
    decision_to_accepted,
    bulk,
    cloud_up_and_down,
    callbacks_during_sync,
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    names = [figure.__name__ for figure in FIGURES]
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names))
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the table there")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(names):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(names)}.")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    lines = ["| figure | measured |", "| --- | --- |"]
    for figure in FIGURES:
        if not arguments.names or figure.__name__ in arguments.names:
            for name, value in figure():
                lines.append(f"| {name} | {value} |")
                print(lines[-1], flush=True)
    if arguments.output:
        arguments.output.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
