"""`manage.py verify_totals`: compare the counts of videos with the videos themselves."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from shortvideo.progress import Progress
from videos.catalogue import counts
from videos.models import CountKind


class Command(BaseCommand):
    help = (
        "Count all videos and compare with the counts that PostgreSQL keeps for the totals of "
        "lists. The exit status is 1 if a number is wrong. May run at any time, beside writers."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--rebuild", action="store_true", help="correct the wrong numbers")

    def handle(self, *args: Any, rebuild: bool, **options: Any) -> None:
        if connection.vendor != "postgresql":
            self.stdout.write("SQLite keeps no counts: every list counts its videos.")
            return
        wrong = 0
        with Progress("verify_totals", total=len(CountKind), unit="count") as bar:
            for kind in CountKind:
                if found := counts.count_wrong(kind):
                    wrong += found
                    if rebuild:
                        counts.rebuild(kind)
                bar.update()
        if wrong and not rebuild:
            raise CommandError(f"{wrong} numbers are wrong. --rebuild corrects them.")
        self.stdout.write(f"{wrong} numbers were corrected." if wrong else "All totals are right.")
