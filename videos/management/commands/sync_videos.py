"""`manage.py sync_videos`: read VOD's catalogue, or single videos, into the mirror."""

import gc
from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from shortvideo.cloud import CloudError
from shortvideo.moments import within_range
from shortvideo.progress import Progress
from videos import sync
from videos.mirror import Applied
from videos.sync import Tally

TIME_HELP = "a date or time such as 2026-01-31 or 2026-01-31T08:00:00+08:00"


class Command(BaseCommand):
    help = (
        "Read VOD's videos into the mirror: those modified since the last run (all, the first "
        "time), the whole catalogue, a part of it, or single videos. A run that did not reach its "
        "end is resumed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("ids", nargs="*", metavar="ID", help="only these videos, in full")
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--full", action="store_true", help="the whole catalogue")
        which.add_argument(
            "--since", type=parse_moment, metavar="T", help=f"videos created since T: {TIME_HELP}"
        )
        parser.add_argument("--dry-run", action="store_true", help="count, but write nothing")

    def handle(
        self,
        *args: Any,
        ids: list[str],
        full: bool,
        since: datetime | None,
        dry_run: bool,
        **options: Any,
    ) -> None:
        if ids and (full or since):
            raise CommandError("Give either ids, or --full or --since.")
        try:
            if ids:
                read_with_bar(
                    self, "sync_videos", sync.sync_ids(ids, dry_run=dry_run), total=len(ids)
                )
            else:
                self.walk(is_full=full, since=since, dry_run=dry_run)
        except CloudError as error:
            raise CommandError(f"{error} Run the command again to resume.") from error

    def walk(self, *, is_full: bool, since: datetime | None, dry_run: bool) -> None:
        gc.freeze()  # the programs' own objects: the collector would look through them again
        run = sync.resume_or_start(is_full=is_full, since=since, dry_run=dry_run)
        bar = Progress("sync_videos", unit="video", initial=run.seen_count)
        with bar, closing(sync.walk(run)) as counts:
            for count in counts:
                bar.total = run.expected_count
                bar.update(count)
        applied = Applied(run.new_count, run.changed_count, run.unchanged_count)
        self.stdout.write(_counts(run.seen_count, applied, run.failed_count))
        if run.failed_count:
            raise CommandError(f"{run.failed_count} videos could not be read; the log tells why.")


def read_with_bar(command: BaseCommand, name: str, tallies: Iterator[Tally], *, total: int) -> None:
    """Show a bar, then write the counts. Raises CommandError with the problems."""
    tally = Tally()
    with Progress(name, total=total, unit="video") as bar:
        for tally in tallies:
            bar.update(tally.seen - bar.n)
    command.stdout.write(_counts(tally.seen, tally.applied, len(tally.problems)))
    if tally.problems:
        raise CommandError("\n".join(tally.problems))


def parse_moment(text: str) -> datetime:
    """Parse a date or time; without an offset it is in the server's time zone."""
    try:
        found = parse_datetime(text)
        day = None if found else parse_date(text)
    except ValueError:
        found = day = None
    if found is None and day is not None:
        found = datetime.combine(day, datetime.min.time())
    if found is None:
        raise ArgumentTypeError(f"{text!r} is not {TIME_HELP}.")
    return within_range(found if timezone.is_aware(found) else timezone.make_aware(found))


def _counts(seen: int, applied: Applied, failed: int) -> str:
    return (
        f"{seen} seen, {applied.new} new, {applied.changed} changed, "
        f"{applied.unchanged} unchanged, {failed} failed."
    )
