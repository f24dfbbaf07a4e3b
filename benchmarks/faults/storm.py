"""The full storm: `python -m benchmarks.faults.storm [--seed N] [--output FILE]`.

8 operators make 1,000 decisions through API and admin, on a private PostgreSQL with two workers,
while localvod fails, callbacks get lost, and processes are killed and frozen. Prints the events and
the promises. The exit status is 1 if a promise was broken.
"""

import argparse
import logging
import sys
from dataclasses import replace
from pathlib import Path

from tests.faults.storm.run import Report, run_storm
from tests.faults.storm.scale import FULL, SMALL, Scale


def main() -> int:
    arguments = _parse_arguments()
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        report = run_storm(_scale_of(arguments), arguments.seed)
    except LookupError as error:
        raise SystemExit(str(error)) from error
    table = report.table()
    print(table)
    if arguments.output:
        arguments.output.write_text(f"{table}\n", encoding="utf-8")
    if arguments.logs:
        _keep_logs(report, arguments.logs)
    for breach in report.breaches:
        print(breach, file=sys.stderr)
    return 0 if report.is_clean else 1


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--small", action="store_true", help="the storm of the tests")
    parser.add_argument("--decisions", type=int, help=f"default {FULL.decisions:,}")
    parser.add_argument("--seconds", type=float, help=f"default {FULL.seconds:g}")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the tables to FILE")
    parser.add_argument(
        "--logs", type=Path, metavar="FOLDER", help="write the programs' logs to FOLDER"
    )
    return parser.parse_args()


def _scale_of(arguments: argparse.Namespace) -> Scale:
    scale = SMALL if arguments.small else FULL
    given = {name: getattr(arguments, name) for name in ("decisions", "seconds")}
    return replace(scale, **{name: value for name, value in given.items() if value is not None})


def _keep_logs(report: Report, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in report.logs.items():
        (folder / f"{name}.log").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
