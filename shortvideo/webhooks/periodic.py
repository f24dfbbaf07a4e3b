"""Delete what is not needed any more."""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from shortvideo.outbox import services as outbox
from shortvideo.outbox.models import Delivery
from shortvideo.outbox.periodic import periodic
from shortvideo.pacing import Pace, delete_old

from .models import Attempt, Endpoint, Event, EventType
from .services import KIND

pace: Final = Pace(most_rows=100)


@periodic("webhooks.prune", every=timedelta(hours=1))
def prune_webhooks() -> None:
    """Delete old attempts and events, except events that wait or are dead letters."""
    before = timezone.now() - timedelta(days=settings.WEBHOOK_LOG_DAYS)
    _dismiss_failed_tests(before)
    delete_old(Attempt.objects.all(), pace, before=before)
    delete_old(Event.objects.prunable(), pace, before=before)
    _clear_previous_secrets(timezone.now())


def _dismiss_failed_tests(before: datetime) -> None:
    """Dismiss failed deliveries of old test events, and those without an event: no retry helps."""
    is_old_test = Q(
        webhook_dispatch__event__type=EventType.PING,
        webhook_dispatch__event__created_at__lt=before,
    )
    failed = Delivery.objects.given_up().filter(kind=KIND)
    for delivery in failed.filter(is_old_test | Q(webhook_dispatch=None)):
        with suppress(outbox.DeliveryStateError):  # an operator was faster
            outbox.dismiss(delivery)


def _clear_previous_secrets(now: datetime) -> None:
    ended = Endpoint.objects.filter(previous_secret_until__lte=now).exclude(previous_secret="")
    ended.update(previous_secret="", previous_secret_until=None)
