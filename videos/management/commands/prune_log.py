"""`manage.py prune_log`: remove old decisions from the log, and record the removal."""

import getpass
import os
from argparse import ArgumentTypeError
from datetime import date, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError

from shortvideo.errors import InvalidState
from shortvideo.moments import start_of_day
from shortvideo.progress import Progress
from videos.models import ReviewDecision
from videos.services import pruning


def _midnight(text: str) -> datetime:
    """Return the start of a day in the server's time zone."""
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is not a date; write it as YYYY-MM-DD.") from error
    return start_of_day(day)


def _user_name() -> str:
    """Return the name of the user who runs this process."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a user without a name
        return f"uid {os.getuid()}"


class Command(BaseCommand):
    help = (
        "Remove decisions older than a date from the log. Decisions that are in force, belong to "
        "kept evidence or are not delivered yet stay."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--before", type=_midnight, required=True, metavar="DATE", help="YYYY-MM-DD"
        )
        parser.add_argument("--dry-run", action="store_true", help="count, but remove nothing")

    def handle(self, *args: Any, before: datetime, dry_run: bool, **options: Any) -> None:
        try:
            pruning.check_old_enough(before)
        except InvalidState as error:
            raise CommandError(str(error)) from error
        older = ReviewDecision.objects.filter(created_at__lt=before).count()
        if dry_run:
            self.stdout.write(
                f"{pruning.count_prunable(before)} of {older} older decisions would be removed."
            )
            return
        removed = 0
        try:
            with Progress("prune_log", total=older, unit="decision") as bar:
                for count in pruning.prune_log(before, run_by=_user_name()):
                    removed += count
                    bar.update(count)
        except OperationalError as error:
            raise CommandError(
                f"The log is in use ({error}). {removed} decisions were removed; "
                "run the command again."
            ) from error
        self.stdout.write(f"{removed} of {older} older decisions were removed.")
