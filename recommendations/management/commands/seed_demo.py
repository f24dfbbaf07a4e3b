"""Wait until the demo clips have settled, then curate them."""

import time
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from accounts.models import Operator
from recommendations import demo
from shortvideo.cloud import CloudUnavailable, vod_gateway
from videos.models import Video

POLL_SECONDS = 1.0


class Command(BaseCommand):
    help = "Waits for the demo clips to settle, then recommends four of them. Can run twice."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--operator", default="", help="who recommends (a user name)")
        parser.add_argument(
            "--timeout", type=float, default=300, help="seconds to wait (default: %(default)s)"
        )

    def handle(self, *args: Any, operator: str, timeout: float, **options: Any) -> None:
        curator = self.curator(operator)
        deadline = time.monotonic() + timeout
        expected = self.videos_in_vod(deadline)
        with tqdm(total=expected, unit="clip", desc="settled", disable=None) as bar:
            self.wait(deadline, "the clips to settle", lambda: self.all_settled(bar, expected))
        added = demo.curate(curator)
        self.wait(deadline, "the demo's jobs", lambda: not demo.unsettled().exists())
        self.stdout.write(f"{expected} clips settled, {added} recommended.")

    def curator(self, username: str) -> Operator | None:
        if not username:
            return None
        try:
            return Operator.objects.get(username=username)
        except Operator.DoesNotExist:
            raise CommandError(f"There is no operator named {username!r}.") from None

    def videos_in_vod(self, deadline: float) -> int:
        while True:
            try:
                return vod_gateway().search(page_size=1).total
            except CloudUnavailable as error:
                if time.monotonic() > deadline:
                    raise CommandError(f"VOD cannot be reached: {error}") from error
                time.sleep(POLL_SECONDS)

    def all_settled(self, bar: "tqdm[Any]", expected: int) -> bool:
        known, waiting = Video.objects.visible().count(), demo.unsettled().count()
        bar.update(known - waiting - bar.n)
        return known >= expected and not waiting

    def wait(self, deadline: float, what: str, condition: Callable[[], bool]) -> None:
        while not condition():
            if time.monotonic() > deadline:
                stuck = ", ".join(str(video) for video in demo.unsettled()[:5]) or "none of them"
                raise CommandError(
                    f"Gave up waiting for {what}; not settled: {stuck}. Run the command again."
                )
            time.sleep(POLL_SECONDS)
