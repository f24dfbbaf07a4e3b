"""What the review desk costs with a million videos: `python -m benchmarks.review_million`.

Makes the rows inside a PostgreSQL server of its own. Prints queries, bytes, server CPU and time of
the review page and of its calls, then how long PostgreSQL takes to find the next clips (EXPLAIN
ANALYZE, median of 20) in both orders, while the queue gets harder. `--tasks` open tasks are those
of the last videos.
"""

import argparse
import os
import subprocess
import sys

from runner.postgres import PrivateCluster, binaries
from tests.support.localvod import ROOT


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=int, default=1_000_000, help="default %(default)s")
    parser.add_argument("--tasks", type=int, default=1_000_000, help="default %(default)s")
    arguments = parser.parse_args()
    folder = binaries()
    if folder is None:
        raise SystemExit("No PostgreSQL binaries were found.")
    with PrivateCluster(folder) as cluster:
        environment = {
            **os.environ,
            "DATABASE_URL": cluster.url,
            "DATABASE_STATEMENT_TIMEOUT": "600000",
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "LOG_LEVEL": "WARNING",
            "WEB_PROCESS": "true",  # connections as those of the server
        }
        inside = (
            f"benchmarks.review_inside import measure; measure{arguments.videos, arguments.tasks}"
        )
        command = ["manage.py", "shell", "--verbosity=0", "--command", f"from {inside}"]
        subprocess.run([sys.executable, *command], cwd=ROOT, env=environment, check=True)


if __name__ == "__main__":
    main()
