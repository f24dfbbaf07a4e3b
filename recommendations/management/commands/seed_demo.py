"""Make the demo's reason templates, wait until VOD has processed the clips, then curate them."""

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
        "Make reason templates, wait until VOD has processed the demo clips, then recommend four. "
        "The desk shows how many are ready. Can run twice, and beside `localvod demo`."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--operator", default="", help="user name of the curator")
        parser.add_argument(
            "--clips", type=int, help="clips to wait for (default: those that the mirror has)"
        )
        parser.add_argument(
            "--timeout",
            type=parse_seconds,
            default=300,
            help="seconds to wait for the next clip (default: %(default)s)",
        )

    def handle(
        self, *args: Any, operator: str, clips: int | None, timeout: float, **options: Any
    ) -> None:
        curator = self.curator(operator)
        self.stdout.write(f"{demo.make_templates()} reason templates made.")
        total = demo.clips().count() if clips is None else clips
        words = "Preparing {total_fmt} demo clips, {n_fmt} done"
        try:
            with Progress("seed_demo", total=total, unit="clip", bar_format=words) as bar:
                self.wait(timeout, "the clips", lambda: self.missing(bar))
        finally:
            demo.report_end()
        self.wait(timeout, "the clips", lambda: demo.unsettled().count())
        added = demo.curate(curator)
        self.wait(timeout, "the demo's jobs", lambda: demo.unsettled().count())
        self.stdout.write(f"{total} clips processed, {added} recommended.")

    def curator(self, username: str) -> Operator | None:
        if not username:
            return None
        try:
            return Operator.objects.get_by_natural_key(username)
        except Operator.DoesNotExist:
            raise CommandError(f"There is no operator named {username!r}.") from None

    def missing(self, bar: Progress) -> int:
        """Return how many clips are not ready; tell the desk and the terminal."""
        total = int(bar.total or 0)
        done = min(total, demo.ready_count())
        demo.report(total, done)
        bar.update(done - bar.n)
        return total - done

    def wait(self, timeout: float, what: str, left: Callable[[], int]) -> None:
        """Wait until nothing is left. Raises CommandError if nothing changes for too long."""
        before, deadline = -1, 0.0
        while now := left():
            if now != before:
                before, deadline = now, time.monotonic() + timeout
            if time.monotonic() > deadline:
                stuck = ", ".join(str(video) for video in demo.unsettled()[:5]) or "none"
                raise CommandError(
                    f"Timed out waiting for {what}. Not processed: {stuck}. Run the command again."
                )
            time.sleep(_POLL_SECONDS)
