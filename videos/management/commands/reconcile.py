"""`manage.py reconcile`: compare the mirror with VOD in both directions, and heal drift."""

import json
from contextlib import closing
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from shortvideo.cloud import CloudError
from shortvideo.moments import parse_seconds
from shortvideo.progress import Progress
from videos import reconcile
from videos.models import ReconcileRun
from videos.reconcile import HEALED_BY_NO_DELIVERY, Kind, Options

COLUMNS = ("found", "healed", "under_way", "left")
JSON_FIELDS = (
    "is_heal", "here_count", "there_count", "counts", "found_count", "left_count", "examples",
)  # fmt: skip
DEFAULTS = Options()


class Command(BaseCommand):
    help = (
        "Compare the mirror with VOD in both directions. Only --heal changes videos. The exit "
        "status is 1 if drift remains."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only count (the default)")
        parser.add_argument("--heal", action="store_true", help="heal the drift")
        parser.add_argument(
            "--files",
            action="store_true",
            help="compare the files of every playable video that were read before; with --heal, "
            "read the others too: one call each",
        )
        parser.add_argument(
            "--grace",
            type=parse_seconds,
            default=DEFAULTS.grace_seconds,
            metavar="SECONDS",
            help="how long a difference must last to count (%(default)g)",
        )
        parser.add_argument(
            "--wait",
            type=parse_seconds,
            default=DEFAULTS.wait_seconds,
            metavar="SECONDS",
            help="how long to wait for the deliveries that heal drift (%(default)g)",
        )
        parser.add_argument(
            "--max-removals",
            type=int,
            metavar="N",
            help="how many videos that VOD does not have may be removed (default: the larger of 10 "
            "and one in a hundred; none if VOD lists no video or lacks more than half)",
        )
        parser.add_argument("--verbose", action="store_true", help="show examples of each kind")
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **arguments: Any) -> None:
        if arguments["heal"] and arguments["dry_run"]:
            raise CommandError("Give either --dry-run or --heal.")
        if (arguments["max_removals"] or 0) < 0:
            raise CommandError("--max-removals must not be negative.")
        options = Options(
            is_every_file=arguments["files"],
            grace_seconds=arguments["grace"],
            wait_seconds=arguments["wait"],
            max_removals=arguments["max_removals"],
        )
        run = _run(options, is_heal=arguments["heal"])
        if arguments["json"]:
            report = {name: getattr(run, name) for name in JSON_FIELDS}
            self.stdout.write(json.dumps(report, ensure_ascii=False, indent=2))
        else:
            self.stdout.write(_table(run))
            if arguments["verbose"]:
                self.stdout.write(_examples(run))
        if run.left_count:
            raise CommandError(_remaining_message(run, options))


def _run(options: Options, *, is_heal: bool) -> ReconcileRun:
    """Raises CommandError if the run is refused or fails."""
    try:
        run = reconcile.begin(is_heal=is_heal)
        bar = Progress("reconcile", unit="video", total=run.here_count)
        with bar, closing(reconcile.carry_out(run, options)) as steps:
            for step in steps:
                bar.update(step.listed_count)
    except reconcile.AlreadyRunning as error:
        raise CommandError(str(error)) from error
    except CloudError as error:
        raise CommandError(f"{error} Run the command again.") from error
    return run


def _table(run: ReconcileRun) -> str:
    """Return the counts of each kind as an aligned table."""
    rows = [
        (str(kind.label), *(str(run.counts.get(kind, {}).get(name, 0)) for name in COLUMNS))
        for kind in Kind
    ]
    head = ("", *(name.replace("_", " ") for name in COLUMNS))
    width = max(len(row[0]) for row in rows)
    lines = [
        f"{first:<{width}}" + "".join(f"{value:>11}" for value in values)
        for first, *values in (head, *rows)
    ]
    sides = f"{run.here_count} videos here, {run.there_count} in VOD."
    return "\n".join([sides, "", *lines])


def _examples(run: ReconcileRun) -> str:
    lines = (
        f"{Kind(one['kind']).label}: {one['vod_id']} here [{one['here']}], "
        f"VOD [{one['there']}]; {one['outcome'].replace('_', ' ')}. {one['note']}".rstrip()
        for one in run.examples
    )
    return "\n".join(["", *lines])


def _remaining_message(run: ReconcileRun, options: Options) -> str:
    under_way = sum(counts["under_way"] for counts in run.counts.values())
    if under_way:
        return (
            f"{run.left_count} differences remain, {under_way} of them under way: "
            "is the worker running? Compare again later."
        )
    if not run.is_heal:
        unhealable = sum(run.counts.get(kind, {}).get("left", 0) for kind in HEALED_BY_NO_DELIVERY)
        if unhealable == run.left_count:
            return f"{run.left_count} differences. An operator must decide; --verbose shows them."
        flags = "--files --heal" if options.is_every_file and Kind.FILES in run.counts else "--heal"
        command = f"`manage.py reconcile {flags}`"
        if unhealable or run.counts.get(Kind.MISSING_THERE):
            return f"{run.left_count} differences. {command} heals what it can and names the rest."
        return f"{run.left_count} differences. {command} heals them."
    return f"{run.left_count} differences remain; --verbose shows examples and reasons."
