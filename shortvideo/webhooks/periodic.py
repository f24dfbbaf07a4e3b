"""What is not needed any more."""

import time
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from shortvideo.outbox.periodic import periodic

from .models import Attempt, Endpoint, Event

CHUNK: Final = 100  # rows in a transaction, with what hangs on them: SQLite has other writers
PAUSE_SECONDS: Final = 0.005  # in which those get their turn


@periodic("webhooks.prune", every=timedelta(hours=1))
def prune_webhooks() -> None:
    """Delete old attempts and events, but no event that waits or was given up."""
    before = timezone.now() - timedelta(days=settings.WEBHOOK_LOG_DAYS)
    delete_in_chunks(Attempt.objects.filter(created_at__lt=before))
    delete_in_chunks(Event.objects.settled().filter(created_at__lt=before))
    forget_previous_secrets(timezone.now())


def delete_in_chunks(rows: QuerySet[Any]) -> None:
    while ids := list(rows.order_by("pk").values_list("pk", flat=True)[:CHUNK]):
        rows.model._default_manager.filter(pk__in=ids).delete()
        if connection.vendor == "sqlite":
            time.sleep(PAUSE_SECONDS)


def forget_previous_secrets(now: datetime) -> None:
    ended = Endpoint.objects.filter(previous_secret_until__lte=now).exclude(previous_secret="")
    ended.update(previous_secret="", previous_secret_until=None)
