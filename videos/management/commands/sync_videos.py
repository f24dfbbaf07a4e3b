"""`manage.py sync_videos`: pull VOD's catalogue, or single videos, into the mirror."""

from argparse import ArgumentTypeError
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from tqdm import tqdm

from shortvideo.cloud import CloudError
from videos import sync
from videos.sync import Tally

TIME_HELP = "a date or a moment such as 2026-01-31 or 2026-01-31T08:00:00+08:00"


class Command(BaseCommand):
    help = (
        "Read VOD's videos into the mirror: what was modified since the last run (everything the "
        "first time), the whole catalogue, a part of it, or single videos. A run that was ended in "
        "any way goes on where it was."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("ids", nargs="*", metavar="ID", help="only these videos, in full")
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--full", action="store_true", help="the whole catalogue")
        which.add_argument(
            "--since", type=moment, metavar="T", help=f"what was created since then: {TIME_HELP}"
        )
        parser.add_argument("--dry-run", action="store_true", help="count, and write nothing")

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
                self.sync_ids(ids, dry_run=dry_run)
            else:
                self.walk(is_full=full, since=since, dry_run=dry_run)
        except CloudError as error:
            raise CommandError(f"{error} Run the command again to resume.") from error

    def walk(self, *, is_full: bool, since: datetime | None, dry_run: bool) -> None:
        run = sync.resume_or_start(is_full=is_full, since=since, dry_run=dry_run)
        with tqdm(unit="video", initial=run.seen_count, disable=None) as bar:
            for count in sync.walk(run):
                bar.total = run.expected_count
                bar.update(count)
        self.stdout.write(
            _counts(
                run.seen_count,
                run.new_count,
                run.changed_count,
                run.unchanged_count,
                run.failed_count,
            )
        )
        if run.failed_count:
            raise CommandError(f"{run.failed_count} videos could not be read; the log tells why.")

    def sync_ids(self, ids: list[str], *, dry_run: bool) -> None:
        tally = Tally()
        with tqdm(total=len(ids), unit="video", disable=None) as bar:
            for tally in sync.sync_ids(ids, dry_run=dry_run):
                bar.update(tally.seen - bar.n)
        self.stdout.write(counts_of(tally))
        if tally.problems:
            raise CommandError("\n".join(tally.problems))


def moment(text: str) -> datetime:
    """A date or a moment; without an offset it is in the server's time zone."""
    try:
        found = parse_datetime(text)
        day = None if found else parse_date(text)
    except ValueError:
        found = day = None
    if found is None and day is not None:
        found = datetime.combine(day, datetime.min.time())
    if found is None:
        raise ArgumentTypeError(f"{text!r} is no moment; give {TIME_HELP}.")
    return found if timezone.is_aware(found) else timezone.make_aware(found)


def _counts(seen: int, new: int, changed: int, unchanged: int, failed: int) -> str:
    return f"{seen} seen, {new} new, {changed} changed, {unchanged} unchanged, {failed} failed."


def counts_of(tally: Tally) -> str:
    applied = tally.applied
    return _counts(tally.seen, applied.new, applied.changed, applied.unchanged, len(tally.problems))
