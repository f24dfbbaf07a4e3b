"""How fast `manage.py sync_videos` takes in a catalogue: `python -m benchmarks.sync_catalogue`.

Starts localvod with N computed videos, an empty database, and runs the command twice in processes
of their own: the first writes every row, the second must write none. Prints rows/s, calls per row
(localvod's ledger) and the command's peak memory.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from runner.postgres import PrivateCluster, binaries
from tests.support.localvod import ACCESS_KEY_ID, ACCESS_KEY_SECRET, ROOT, LocalVod


def manage(environment: dict[str, str], *arguments: str) -> tuple[float, str, int]:
    """Run manage.py; returns seconds, its last line, and its peak memory in MiB."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines = process.stdout.read().splitlines() or [""]
    _pid, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"manage.py {' '.join(arguments)} failed.")
    return time.perf_counter() - started, lines[-1], resource_mib(usage)


def resource_mib(usage: resource.struct_rusage) -> int:
    return usage.ru_maxrss // 1024  # Linux counts KiB


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=int, default=100_000)
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = f"sqlite:///{folder / 'db.sqlite3'}"
        if arguments.database == "postgres":
            found = binaries()
            if found is None:
                raise SystemExit("No PostgreSQL binaries were found.")
            url = stack.enter_context(PrivateCluster(found)).url
        vod = stack.enter_context(LocalVod(folder / "localvod"))
        vod.catalogue(arguments.videos)
        environment = {
            **os.environ,
            "TESTING": "true",
            "ENV_FILE": os.devnull,
            "DATABASE_URL": url,
            "VOD_ENDPOINT": vod.endpoint,
            "VOD_PROTOCOL": "http",
            "CDN_ENDPOINT": vod.endpoint,
            "CDN_PROTOCOL": "http",
            "ALIBABA_CLOUD_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": ACCESS_KEY_SECRET,
            "LOG_LEVEL": "WARNING",
        }
        manage(environment, "migrate", "--verbosity=0")
        calls_before = 0
        for name in ("first", "second"):
            seconds, result, peak = manage(environment, "sync_videos", "--full")
            calls = Counter(entry["operation"] for entry in vod.ledger())
            made = calls.total() - calls_before
            calls_before = calls.total()
            print(
                f"{name}: {result} {seconds:.1f} s, {arguments.videos / seconds:.0f} rows/s, "
                f"{made} calls ({made / arguments.videos:.4f} per row), peak {peak} MiB"
            )


if __name__ == "__main__":
    main()
