"""What is not needed any more."""

from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from shortvideo.outbox.periodic import periodic
from shortvideo.pacing import Pace

from .models import Attempt, Endpoint, Event

pace: Final = Pace(most_rows=100)


@periodic("webhooks.prune", every=timedelta(hours=1))
def prune_webhooks() -> None:
    """Delete old attempts and events, but no event that waits or was given up."""
    before = timezone.now() - timedelta(days=settings.WEBHOOK_LOG_DAYS)
    delete_in_chunks(Attempt.objects.filter(created_at__lt=before))
    delete_in_chunks(Event.objects.settled().filter(created_at__lt=before))
    forget_previous_secrets(timezone.now())


def delete_in_chunks(rows: QuerySet[Any]) -> None:
    while ids := list(rows.order_by("pk").values_list("pk", flat=True)[: pace.rows]):
        with pace.transaction():
            rows.model._default_manager.filter(pk__in=ids).delete()


def forget_previous_secrets(now: datetime) -> None:
    ended = Endpoint.objects.filter(previous_secret_until__lte=now).exclude(previous_secret="")
    ended.update(previous_secret="", previous_secret_until=None)
