"""The storm in full: `python -m benchmarks.faults.storm [--seed N] [--output FILE]`.

1,000 decisions by 8 operators over API and admin on a private PostgreSQL with two workers, while
localvod fails, callbacks get lost, and processes are killed and frozen. Prints what happened and
what was promised; the exit status is 1 when any promise was broken.
"""

import argparse
import logging
import sys
from dataclasses import replace
from pathlib import Path

from tests.faults.storm.run import Report, run_storm
from tests.faults.storm.scale import FULL, SMALL, Scale


def main() -> int:
    arguments = parsed()
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        report = run_storm(scale_of(arguments), arguments.seed)
    except LookupError as error:
        raise SystemExit(str(error)) from error
    table = report.table()
    print(table)
    if arguments.output:
        arguments.output.write_text(f"{table}\n", encoding="utf-8")
    if arguments.logs:
        keep_logs(report, arguments.logs)
    for breach in report.breaches:
        print(breach, file=sys.stderr)
    return 0 if report.is_clean else 1


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--small", action="store_true", help="the storm of the tests")
    parser.add_argument("--decisions", type=int, help=f"{FULL.decisions:,} when not given")
    parser.add_argument("--seconds", type=float, help=f"{FULL.seconds:g} when not given")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the tables there")
    parser.add_argument("--logs", type=Path, metavar="FOLDER", help="keep the programs' logs there")
    return parser.parse_args()


def scale_of(arguments: argparse.Namespace) -> Scale:
    scale = SMALL if arguments.small else FULL
    given = {name: getattr(arguments, name) for name in ("decisions", "seconds")}
    return replace(scale, **{name: value for name, value in given.items() if value is not None})


def keep_logs(report: Report, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in report.logs.items():
        (folder / f"{name}.log").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
