"""`manage.py work`: the worker."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from shortvideo.moments import parse_seconds
from shortvideo.outbox.exclusive import AnotherWorkerError, only_worker
from shortvideo.outbox.handlers import registered_kinds
from shortvideo.outbox.loop import WorkerLoop
from shortvideo.outbox.worker import work_once, work_until_idle


class Command(BaseCommand):
    help = (
        "Sends deliveries to the cloud and runs periodic tasks. SIGTERM or Ctrl-C stops it after "
        "the current batches. PostgreSQL allows any number of workers, SQLite one."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        how_long = parser.add_mutually_exclusive_group()
        how_long.add_argument("--once", action="store_true", help="Send one batch of each kind.")
        how_long.add_argument(
            "--until-idle", action="store_true", help="Stop when nothing is left to send."
        )
        parser.add_argument(
            "--timeout",
            type=parse_seconds,
            default=60,
            metavar="SECONDS",
            help="With --until-idle: exit with status 1 after this time (default: 60).",
        )
        parser.add_argument(
            "--kinds", nargs="+", metavar="KIND", help="Only these kinds and no periodic tasks."
        )

    def handle(
        self, *, once: bool, until_idle: bool, timeout: float, kinds: list[str] | None, **_: Any
    ) -> None:
        _reject_unknown_kinds(kinds or [])
        try:
            with only_worker():
                if once:
                    self._report(work_once(kinds))
                elif until_idle:
                    self._report(work_until_idle(timeout, kinds))
                else:
                    loop = WorkerLoop(kinds)
                    loop.stop_on_signals()
                    loop.run()
        except (AnotherWorkerError, TimeoutError) as error:
            raise CommandError(str(error)) from error

    def _report(self, touched: int) -> None:
        self.stdout.write(f"{touched} rows worked on.")


def _reject_unknown_kinds(kinds: list[str]) -> None:
    unknown = sorted(set(kinds) - set(registered_kinds()))
    if unknown:
        allowed = ", ".join(registered_kinds()) or "none is registered"
        raise CommandError(f"Unknown kind {', '.join(unknown)}; allowed: {allowed}.")
