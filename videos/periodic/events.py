"""Periodic task: remove old events."""

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.utils import timezone

from shortvideo.outbox.periodic import periodic
from shortvideo.pacing import Pace, delete_old
from videos.models import VodEvent

FINISHED: Final = (VodEvent.State.DONE, VodEvent.State.UNKNOWN)

pace: Final = Pace(most_rows=200)


@periodic("videos.events", every=timedelta(hours=1))
def remove_old_events() -> None:
    """Remove processed and unknown events after EVENTS_KEEP_DAYS; failed events stay."""
    before = timezone.now() - timedelta(days=settings.EVENTS_KEEP_DAYS)
    finished = VodEvent.objects.filter(state__in=FINISHED)
    delete_old(finished, pace, before=before, created_field="received_at")
