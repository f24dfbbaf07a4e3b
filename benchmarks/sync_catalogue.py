"""The speed of `manage.py sync_videos` on a large catalogue: `python -m benchmarks.sync_catalogue`.

Starts localvod with N computed videos and runs the command twice on an empty database. The first
run writes every row, the second must write none. Prints rows/s, calls per row (from localvod's
ledger) and the peak memory of the command.
"""

from benchmarks.catalogue import migrated_installation, parse_arguments


def main() -> None:
    arguments = parse_arguments(__doc__)
    videos: int = arguments.videos
    with migrated_installation(videos, arguments.database) as installation:
        for name in ("first", "second"):
            run = installation.run("sync_videos", "--full")
            result, call_count = run.output.splitlines()[-1], run.calls.total()
            print(
                f"{name}: {result} {run.seconds:.1f} s, {videos / run.seconds:.0f} rows/s, "
                f"{call_count} calls ({call_count / videos:.4f} per row), peak {run.peak_mib} MiB"
            )


if __name__ == "__main__":
    main()
