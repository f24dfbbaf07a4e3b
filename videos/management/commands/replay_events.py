"""`manage.py replay_events`: have stored events of VOD processed once more."""

from argparse import ArgumentTypeError
from collections import Counter
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import QuerySet
from tqdm import tqdm

from shortvideo.errors import InvalidState
from shortvideo.pacing import batched
from videos.events import inbox
from videos.management.commands.sync_videos import TIME_HELP, moment
from videos.models import VodEvent

BATCH = 500


class Command(BaseCommand):
    help = (
        "Have stored events of VOD processed once more by the worker: VOD is read again, and the "
        "mirror follows. All that is given narrows the choice; something must be given. An event "
        "that waits to be processed is not doubled."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--failed", action="store_true", help="those whose processing failed")
        parser.add_argument(
            "--since", type=moment, metavar="T", help=f"received then or later: {TIME_HELP}"
        )
        parser.add_argument("--until", type=moment, metavar="T", help="received before then")
        parser.add_argument("--type", metavar="NAME", help="such as TranscodeComplete")
        parser.add_argument("--video", metavar="ID", help="about this video")
        parser.add_argument(
            "--id", type=_event_id, action="append", metavar="N", help="this one (may be repeated)"
        )
        parser.add_argument("--dry-run", action="store_true", help="count, and replay nothing")

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        events = _chosen_events(**options)
        if events is None:
            raise CommandError(
                "Say which: --failed, --since, --until, --type, --video or --id (see --help)."
            )
        keys = list(events.values_list("pk", flat=True))
        replayed, refusals = 0, Counter[str]()
        with tqdm(total=len(keys), unit="event", disable=None) as bar:
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


def _chosen_events(
    *,
    failed: bool,
    since: datetime | None,
    until: datetime | None,
    type: str | None,  # noqa: A002 - as the option is called
    video: str | None,
    id: list[int] | None,  # noqa: A002 - as the option is called
    **_: Any,
) -> QuerySet[VodEvent] | None:
    """The events, oldest first; None where nothing was said about them."""
    asked = {
        "state": VodEvent.State.FAILED if failed else None,
        "received_at__gte": since,
        "received_at__lt": until,
        "event_type": type,
        "media_id": video,
        "pk__in": id,
    }
    conditions = {name: value for name, value in asked.items() if value is not None}
    return VodEvent.objects.filter(**conditions).order_by("pk") if conditions else None


def _replay(event: VodEvent, *, dry_run: bool) -> str:
    """Have one event processed again; the sentence that says why not, or ""."""
    try:
        inbox.check_replayable(event) if dry_run else inbox.replay_event(event)
    except InvalidState as refusal:
        return str(refusal)
    return ""


def _event_id(text: str) -> int:
    """The id of an event, as the desk shows it."""
    if not (text.isascii() and text.isdecimal()):
        raise ArgumentTypeError(f"{text!r} is no event's id: give a whole number such as 42.")
    return int(text)
