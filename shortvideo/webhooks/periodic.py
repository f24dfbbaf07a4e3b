"""What is not needed any more."""

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.utils import timezone

from shortvideo.outbox.periodic import periodic
from shortvideo.pacing import Pace, delete_old

from .models import Attempt, Endpoint, Event

pace: Final = Pace(most_rows=100)


@periodic("webhooks.prune", every=timedelta(hours=1))
def prune_webhooks() -> None:
    """Delete old attempts and events, but no event that waits or was given up."""
    before = timezone.now() - timedelta(days=settings.WEBHOOK_LOG_DAYS)
    delete_old(Attempt.objects.all(), pace, before=before)
    delete_old(Event.objects.settled(), pace, before=before)
    forget_previous_secrets(timezone.now())


def forget_previous_secrets(now: datetime) -> None:
    ended = Endpoint.objects.filter(previous_secret_until__lte=now).exclude(previous_secret="")
    ended.update(previous_secret="", previous_secret_until=None)
