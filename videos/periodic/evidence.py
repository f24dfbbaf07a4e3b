"""Periodic tasks: archive again what is missing, and remove expired evidence."""

from contextlib import suppress
from datetime import timedelta
from typing import Final

from django.utils import timezone

from shortvideo.errors import InvalidState
from shortvideo.outbox.periodic import periodic
from videos.models import Evidence
from videos.services import archive_again, evidence

READ_AT_ONCE: Final = 200


@periodic("videos.evidence.retry", every=timedelta(minutes=1))
def archive_incomplete_evidence() -> None:
    due = Evidence.objects.to_retry(timezone.now()).order_by("retry_at", "id")
    for row in list(due[:READ_AT_ONCE]):
        with suppress(InvalidState):  # it changed meanwhile
            archive_again(row)


@periodic("videos.evidence.copies", every=timedelta(hours=1))
def check_stored_copies() -> None:
    """Each clip's copies are looked for once a day."""
    evidence.check_copies(share=24, turn=int(timezone.now().timestamp() // 3600))


@periodic("videos.evidence", every=timedelta(hours=1))
def remove_expired_evidence() -> None:
    evidence.remove_expired(at_once=READ_AT_ONCE)
