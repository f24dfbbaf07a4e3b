"""Rounds of interleaved measurements, and their medians."""

import json
import random
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.api import usage
from benchmarks.api.installation import Installation, Server
from benchmarks.api.load import Load, fetch, send_load
from benchmarks.api.targets import TARGETS, Target

LOADS = (1, 16)  # requests under way


@dataclass(frozen=True)
class Sample:
    """One run of the client against one server."""

    requests_per_second: float
    p50_ms: float
    p99_ms: float
    server_cpu_ms: float  # of one request
    database_cpu_ms: float
    body_bytes: int


@dataclass(frozen=True)
class Cell:
    """Which request, from which server, at which size, with how many under way."""

    target: Target
    server: Server
    installation: Installation
    connections: int

    @property
    def key(self) -> tuple[str, str, int, int]:
        return (
            self.target.name,
            self.server.name,
            self.installation.videos,
            self.connections,
        )

    def measure(self, postmaster_pid: int, seconds: float) -> Sample:
        make_request = _requests(self.target, self.installation)
        before = self.server.cpu_seconds, usage.cpu_seconds(postmaster_pid)
        load = send_load(
            self.server.port, make_request, connections=self.connections, seconds=seconds
        )
        after = self.server.cpu_seconds, usage.cpu_seconds(postmaster_pid)
        server, database = (end - start for end, start in zip(after, before, strict=True))
        return _sample(load, server, database)


def _sample(load: Load, server_seconds: float, database_seconds: float) -> Sample:
    count = len(load.latencies)
    latencies = sorted(load.latencies)
    return Sample(
        requests_per_second=round(count / load.seconds, 1),
        p50_ms=round(statistics.median(latencies) * 1000, 2),
        p99_ms=round(latencies[min(count - 1, count * 99 // 100)] * 1000, 2),
        server_cpu_ms=round(server_seconds * 1000 / count, 3),
        database_cpu_ms=round(database_seconds * 1000 / count, 3),
        body_bytes=load.received_bytes // count,
    )


def _requests(target: Target, installation: Installation) -> Any:
    return target.requests(
        installation.token, last_page=installation.last_page, vod_id=installation.vod_id
    )


def cells(
    installations: Sequence[tuple[Installation, dict[str, Server]]], names: Sequence[str]
) -> list[Cell]:
    return [
        Cell(target, servers[name], installation, connections)
        for target in TARGETS
        if target.name in names
        for installation, servers in installations
        for name in ("ours", *target.opponents)
        for connections in LOADS
    ]


def check_answers(all_cells: Sequence[Cell]) -> None:
    """SystemExit unless all servers answer a request alike, but for ids and signatures."""
    answers: dict[tuple[str, int], tuple[str, Any]] = {}
    for cell in all_cells:
        body = fetch(cell.server.port, _requests(cell.target, cell.installation)())
        if cell.target.name == "callback":
            continue
        answer = _unsigned(json.loads(body)["data"])
        key = (cell.target.name, cell.installation.videos)
        name, first = answers.setdefault(key, (cell.server.name, answer))
        if answer != first:
            raise SystemExit(f"{name} and {cell.server.name} answer {key} differently.")


def _unsigned(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _unsigned(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_unsigned(item) for item in value]
    return value.partition("?auth_key=")[0] if isinstance(value, str) else value


def run_rounds(
    all_cells: Sequence[Cell], *, postmaster_pid: int, rounds: int, seconds: float
) -> Iterator[tuple[Cell, Sample]]:
    """Measure every cell once a round, in another order each time, after one short round."""
    order = random.Random(1)
    shuffled = list(all_cells)
    for number in range(rounds + 1):
        order.shuffle(shuffled)
        for cell in shuffled:
            sample = cell.measure(postmaster_pid, seconds if number else seconds / 4)
            if number:
                yield cell, sample


def summarise(samples: Sequence[Sample]) -> dict[str, float]:
    """The median of each figure, and the least and the most CPU of one request."""
    rows = [asdict(sample) for sample in samples]
    medians = {name: statistics.median(row[name] for row in rows) for name in rows[0]}
    cpu = [sample.server_cpu_ms + sample.database_cpu_ms for sample in samples]
    return {
        **{name: round(value, 3) for name, value in medians.items()},
        "cpu_ms": round(statistics.median(cpu), 3),
        "least_cpu_ms": round(min(cpu), 3),
        "most_cpu_ms": round(max(cpu), 3),
    }
