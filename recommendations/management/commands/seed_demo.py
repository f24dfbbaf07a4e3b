"""Wait until VOD has processed the demo clips, then curate them."""

import time
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import Operator
from recommendations import demo
from shortvideo.moments import parse_seconds
from shortvideo.progress import Progress

_POLL_SECONDS = 1.0


class Command(BaseCommand):
    help = (
        "Wait until VOD has processed the demo clips that the mirror has, then recommend four. "
        "Run sync_videos first. Can run twice."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--operator", default="", help="user name of the curator")
        parser.add_argument(
            "--timeout",
            type=parse_seconds,
            default=300,
            help="seconds to wait (default: %(default)s)",
        )

    def handle(self, *args: Any, operator: str, timeout: float, **options: Any) -> None:
        curator = self.curator(operator)
        deadline = time.monotonic() + timeout
        count = demo.clips().count()
        with Progress("seed_demo", total=count, unit="clip") as bar:
            self.wait(deadline, "the clips", lambda: self.all_processed(bar))
        added = demo.curate(curator)
        self.wait(deadline, "the demo's jobs", lambda: not demo.unsettled().exists())
        self.stdout.write(f"{count} clips processed, {added} recommended.")

    def curator(self, username: str) -> Operator | None:
        if not username:
            return None
        try:
            return Operator.objects.get_by_natural_key(username)
        except Operator.DoesNotExist:
            raise CommandError(f"There is no operator named {username!r}.") from None

    def all_processed(self, bar: Progress) -> bool:
        waiting = demo.unsettled().count()
        bar.update((bar.total or 0) - waiting - bar.n)
        return not waiting

    def wait(self, deadline: float, what: str, condition: Callable[[], bool]) -> None:
        while not condition():
            if time.monotonic() > deadline:
                stuck = ", ".join(str(video) for video in demo.unsettled()[:5]) or "none"
                raise CommandError(
                    f"Timed out waiting for {what}. Not processed: {stuck}. Run the command again."
                )
            time.sleep(_POLL_SECONDS)
