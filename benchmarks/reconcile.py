"""The cost of `manage.py reconcile` on a large catalogue: `python -m benchmarks.reconcile`.

Starts localvod with N computed videos, syncs them into an empty database and compares four times:
without differences, with differences in two of a hundred rows, healing them, and after the healing.
Prints seconds, calls (from localvod's ledger) and the peak memory of the command.
"""

import json
from typing import Any

from benchmarks.catalogue import Installation, migrated_installation, parse_arguments

# Of 100 rows one is missing here and one has an old title. Of 1,000 rows one is missing in VOD.
MAKE_DIFFERENCES = """
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


def main() -> None:
    arguments = parse_arguments(__doc__)
    with migrated_installation(arguments.videos, arguments.database) as installation:
        installation.run("sync_videos", "--full")
        _measure("as it is", installation)
        installation.run("shell", "--verbosity=0", "--command", MAKE_DIFFERENCES)
        _measure("dry run with differences", installation)
        _measure("healing", installation, "--heal", "--max-removals=100000")
        _measure("afterwards", installation)


def _measure(name: str, installation: Installation, *arguments: str) -> None:
    run = installation.measure("reconcile", "--json", "--wait=0", *arguments)
    result: dict[str, Any] = json.loads(run.output)
    print(
        f"{name}: {run.seconds:.1f} s ({run.cpu_seconds:.1f} s of CPU), "
        f"{run.calls.total()} calls {dict(run.calls)}, peak {run.peak_mib} MiB, "
        f"status {run.status}; {result['here_count']} here, {result['there_count']} in VOD, "
        f"{result['counts']}"
    )


if __name__ == "__main__":
    main()
