"""Cost of one request of the API, against a floor and the original's algorithm.

Starts a PostgreSQL cluster of its own, fills one database for each size, and serves each from
three servers. Writes `benchmarks/results/api.json` and its part of `docs/performance.md`.
"""

import argparse
import json
import os
import platform
import signal
import sys
import tempfile
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from benchmarks.api.installation import Installation, postgresql_version
from benchmarks.api.measuring import Cell, Sample, cells, check_answers, run_rounds, summarise
from benchmarks.api.report import write_report
from benchmarks.api.targets import TARGETS
from runner.postgres import FAST_SETTINGS, PrivateCluster, binaries

RESULTS: Final = Path(__file__).resolve().parent.parent / "results" / "api.json"
_SETTINGS: Final = {**FAST_SETTINGS, "shared_buffers": "1GB", "autovacuum": "off"}
_LOG: Final = Path(tempfile.gettempdir()) / "shortvideo-bench.log"


def main() -> None:
    options = _parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the cluster's folder is deleted then
    folder = binaries()
    if folder is None:
        raise SystemExit("No PostgreSQL binaries were found.")
    with ExitStack() as stack:
        cluster = stack.enter_context(PrivateCluster(folder, settings=_SETTINGS))
        results = measure(cluster.url, cluster.pid, options)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    write_report(results)
    print(f"{RESULTS} and docs/performance.md were written.")


def measure(cluster_url: str, postmaster_pid: int, options: argparse.Namespace) -> dict[str, Any]:
    installations = [Installation(cluster_url, size) for size in options.sizes]
    for installation in installations:
        print(f"Preparing {installation.videos} videos.", flush=True)
        installation.prepare()
    collected: dict[tuple[str, str, int, int], list[Sample]] = defaultdict(list)
    memory: dict[tuple[str, str, int, int], float] = {}
    with ExitStack() as stack:
        served = [(each, stack.enter_context(each.served(_LOG))) for each in installations]
        all_cells = cells(served, options.targets)
        check_answers(all_cells)
        samples = run_rounds(
            all_cells,
            postmaster_pid=postmaster_pid,
            rounds=options.rounds,
            seconds=options.seconds,
        )
        for cell, sample in samples:
            collected[cell.key].append(sample)
            memory[cell.key] = cell.server.memory_mib
            print(_line(cell, sample), flush=True)
    return {
        "postgresql": postgresql_version(cluster_url),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "rounds": options.rounds,
        "seconds": options.seconds,
        "cells": [
            {
                **dict(zip(("target", "server", "videos", "connections"), key, strict=True)),
                **summarise(taken),
                "memory_mib": round(memory[key]),
            }
            for key, taken in sorted(collected.items())
        ],
    }


def _line(cell: Cell, sample: Sample) -> str:
    name, server, videos, connections = cell.key
    return (
        f"{name:8} {server:9} {videos:>8} c{connections:<2} {sample.requests_per_second:8.1f} rps "
        f"p50 {sample.p50_ms:7.2f} p99 {sample.p99_ms:7.2f} ms "
        f"CPU {sample.server_cpu_ms:.2f} + {sample.database_cpu_ms:.2f} ms"
    )


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="run.py bench api", description=__doc__)
    names = [target.name for target in TARGETS]
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 1_000_000])
    parser.add_argument("--targets", nargs="+", choices=names, default=names)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement (2)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
