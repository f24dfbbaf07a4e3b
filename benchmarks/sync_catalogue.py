"""The cost of a full sync of a large catalogue: `python -m benchmarks.sync_catalogue`.

Starts localvod with N computed videos and syncs twice into an empty database. The first run writes
every row, the second must write none. Prints the CPU time for each row: our own work, the session
in PostgreSQL, the SDK, and localvod; WAL and calls for each row, and the peak memory.

`--latency 0.04 --limits` delays each answer, and has localvod enforce VOD's published calls per
second: prints also how many rows were read after each second.
"""

import json
from typing import Any

from benchmarks.catalogue import Installation, Run, migrated_installation, parser


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--latency", type=float, default=0.0, help="seconds for each answer")
    options.add_argument("--limits", action="store_true", help="enforce the calls per second")
    arguments = options.parse_args()
    vod_settings = {"rate_limits": "on"} if arguments.limits else {}
    with migrated_installation(
        arguments.videos, arguments.database, **vod_settings
    ) as installation:
        if arguments.latency:
            installation.vod.faults({"latency_seconds": arguments.latency})
        for name in ("first", "second"):
            before = installation.vod_cpu_seconds()
            run = installation.run(module="benchmarks.own_work")
            vod_seconds = installation.vod_cpu_seconds() - before
            _print(name, run, vod_seconds, arguments.videos)
            if arguments.latency or arguments.limits:
                _print_timeline(installation, run)


def _print(name: str, run: Run, vod_seconds: float, videos: int) -> None:
    figures: dict[str, Any] = json.loads(run.output.splitlines()[-1])
    own, database = figures["own_seconds"], figures["database_seconds"]

    def each(seconds: float) -> str:
        return f"{seconds / videos * 1e6:.0f}"

    print(
        f"{name}: {figures['new']} new, {figures['unchanged']} unchanged in {run.seconds:.1f} s; "
        f"own work {each(own)} + {each(database)} us of CPU a row ({videos / (own + database):.0f} "
        f"rows/s), SDK {each(figures['sdk_seconds'])} us, localvod {each(vod_seconds)} us; "
        f"WAL {figures['wal_bytes'] / videos:.0f} bytes, {run.calls.total() / videos:.4f} calls a "
        f"row; peak {run.peak_mib} MiB"
    )


def _print_timeline(installation: Installation, run: Run) -> None:
    timeline = json.loads(run.output.splitlines()[-1])["timeline"]
    print("  rows read by second:", ", ".join(f"{second}: {rows}" for second, rows in timeline))
    print(f"  calls {dict(run.calls)}, refused so far {installation.refused_calls()}")


if __name__ == "__main__":
    main()
