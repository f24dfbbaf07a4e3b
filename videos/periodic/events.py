"""Removing events that were processed long ago."""

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.utils import timezone

from shortvideo.outbox.periodic import periodic
from videos.models import VodEvent

REMOVED_AT_ONCE: Final = 1_000
FINISHED: Final = (VodEvent.State.DONE, VodEvent.State.UNKNOWN)


@periodic("videos.events", every=timedelta(hours=1))
def remove_old_events() -> None:
    """A failed event stays until somebody has replayed it."""
    before = timezone.now() - timedelta(days=settings.EVENTS_KEEP_DAYS)
    old = VodEvent.objects.filter(state__in=FINISHED, received_at__lt=before).order_by("id")
    VodEvent.objects.filter(
        pk__in=list(old.values_list("pk", flat=True)[:REMOVED_AT_ONCE])
    ).delete()
