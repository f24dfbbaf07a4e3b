"""What `manage.py reconcile` costs on a large catalogue: `python -m benchmarks.reconcile`.

Starts localvod with N computed videos and an empty database, syncs it, then compares it: as it is,
with drift made on purpose in one row of a hundred, and once more after healing. Prints seconds,
calls (localvod's ledger) and the command's peak memory.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from runner.postgres import PrivateCluster, binaries
from tests.support.localvod import ACCESS_KEY_ID, ACCESS_KEY_SECRET, ROOT, LocalVod

# A row of a hundred is lost here, another has an older title, another is of nobody's account.
MAKE_DRIFT = """
from videos.models import Video
rows = list(Video.objects.order_by("pk").values_list("pk", flat=True))
Video.objects.filter(pk__in=rows[10::100]).delete()
Video.objects.filter(pk__in=rows[20::100]).update(title="Older title")
Video.objects.bulk_create(
    [
        Video(vod_id=f"gone-{n}", creation_time=Video.objects.get(pk=pk).creation_time)
        for n, pk in enumerate(rows[30::1000])
    ]
)
"""


def manage(
    environment: dict[str, str], *arguments: str
) -> tuple[float, str, int, resource.struct_rusage]:
    """Run manage.py; returns seconds, what it printed, its status, and what it used."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    printed = process.stdout.read()
    _pid, status, usage = os.wait4(process.pid, 0)
    return time.perf_counter() - started, printed, os.waitstatus_to_exitcode(status), usage


def mib(usage: resource.struct_rusage) -> int:
    return usage.ru_maxrss // 1024  # Linux counts KiB


def environment_of(database: str, vod: LocalVod) -> dict[str, str]:
    return {
        **os.environ,
        "TESTING": "true",
        "ENV_FILE": os.devnull,
        "DATABASE_URL": database,
        "VOD_ENDPOINT": vod.endpoint,
        "VOD_PROTOCOL": "http",
        "CDN_ENDPOINT": vod.endpoint,
        "CDN_PROTOCOL": "http",
        "ALIBABA_CLOUD_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": ACCESS_KEY_SECRET,
        "LOG_LEVEL": "WARNING",
    }


def measure(name: str, environment: dict[str, str], vod: LocalVod, *arguments: str) -> None:
    before = Counter(entry["operation"] for entry in vod.ledger())
    seconds, printed, status, usage = manage(
        environment, "reconcile", "--json", "--wait=0", *arguments
    )
    calls = Counter(entry["operation"] for entry in vod.ledger()) - before
    result: dict[str, Any] = json.loads(printed)
    print(
        f"{name}: {seconds:.1f} s ({usage.ru_utime + usage.ru_stime:.1f} s of CPU), "
        f"{calls.total()} calls {dict(calls)}, peak {mib(usage)} MiB, "
        f"status {status}; {result['here_count']} here, {result['there_count']} in VOD, "
        f"{result['counts']}"
    )


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
        environment = environment_of(url, vod)
        manage(environment, "migrate", "--verbosity=0")
        manage(environment, "sync_videos", "--full")
        measure("as it is", environment, vod)
        manage(environment, "shell", "--verbosity=0", "--command", MAKE_DRIFT)
        measure("dry run with drift", environment, vod)
        measure("healing", environment, vod, "--heal", "--max-removals=100000")
        measure("afterwards", environment, vod)


if __name__ == "__main__":
    main()
