"""`manage.py replay_events`: process stored events of VOD again."""

from argparse import ArgumentTypeError
from collections import Counter
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import QuerySet

from shortvideo.errors import InvalidState
from shortvideo.pacing import batched
from shortvideo.progress import Progress
from videos.events import inbox
from videos.management.commands.sync_videos import TIME_HELP, parse_moment
from videos.models import VodEvent

BATCH = 500


class Command(BaseCommand):
    help = (
        "Have the worker process stored events of VOD again: it reads VOD and updates the mirror. "
        "The events must match all given options; at least one is required. An event that still "
        "waits to be processed is not processed twice."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--failed", action="store_true", help="events whose processing failed")
        parser.add_argument(
            "--since", type=parse_moment, metavar="T", help=f"received at T or later: {TIME_HELP}"
        )
        parser.add_argument("--until", type=parse_moment, metavar="T", help="received before T")
        parser.add_argument("--type", metavar="NAME", help="a type such as TranscodeComplete")
        parser.add_argument("--video", metavar="ID", help="about this video")
        parser.add_argument(
            "--id",
            type=_event_id,
            action="append",
            metavar="N",
            help="the event with this number (may be repeated)",
        )
        parser.add_argument("--dry-run", action="store_true", help="count, but replay nothing")

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        events = _matching_events(options)
        if events is None:
            raise CommandError(
                "Choose events by --failed, --since, --until, --type, --video or --id (see --help)."
            )
        keys = list(events.values_list("pk", flat=True))
        replayed, refusals = 0, Counter[str]()
        with Progress("replay_events", total=len(keys), unit="event") as bar:
            for batch in batched(keys, BATCH):
                for event in VodEvent.objects.filter(pk__in=batch).order_by("pk"):
                    refusal = _replay(event, dry_run=dry_run)
                    refusals.update([refusal] if refusal else [])
                    replayed += not refusal
                    bar.update()
        verb = "would be replayed" if dry_run else "will be processed by the worker"
        self.stdout.write(f"{replayed} events {verb}, {refusals.total()} refused.")
        if refusals:
            lines = (f"{count} refused: {sentence}" for sentence, count in refusals.items())
            raise CommandError("\n".join(lines))


def _matching_events(options: Mapping[str, Any]) -> QuerySet[VodEvent] | None:
    """Return the events, oldest first; None if no option chooses any."""
    values = {
        "state": VodEvent.State.FAILED if options["failed"] else None,
        "received_at__gte": options["since"],
        "received_at__lt": options["until"],
        "event_type": options["type"],
        "media_id": options["video"],
        "pk__in": options["id"],
    }
    conditions = {name: value for name, value in values.items() if value is not None}
    return VodEvent.objects.filter(**conditions).order_by("pk") if conditions else None


def _replay(event: VodEvent, *, dry_run: bool) -> str:
    """Have one event processed again. Returns why not, as a sentence, or ""."""
    try:
        inbox.check_replayable(event) if dry_run else inbox.replay_event(event)
    except InvalidState as refusal:
        return str(refusal)
    return ""


def _event_id(text: str) -> int:
    """Parse the number of an event, as the desk shows it."""
    if not (text.isascii() and text.isdecimal() and len(text) < 19):  # 64 bits
        raise ArgumentTypeError(f"{text!r} is not an event's number; give one such as 42.")
    return int(text)
