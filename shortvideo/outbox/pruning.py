"""Delete old deliveries, except those that rows of other apps protect."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef
from django.utils import timezone

from shortvideo.pacing import Pace, delete_old

from .models import Delivery, DeliveryQuerySet, DeliveryState
from .periodic import periodic

pace = Pace(most_rows=200)


@periodic("outbox.prune", every=timedelta(days=1))
def prune() -> None:
    """Delete in portions what was done or superseded more than OUTBOX_KEEP_DAYS ago.

    Given-up deliveries stay until an operator retries or dismisses them. Protected ones stay with
    their row: the log of decisions always shows how a decision reached VOD.
    """
    before = timezone.now() - timedelta(days=settings.OUTBOX_KEEP_DAYS)
    delete_old(_prunable(before), pace, before=before)


def _prunable(before: datetime) -> DeliveryQuerySet:
    ended = (DeliveryState.DONE, DeliveryState.SUPERSEDED)
    rows = Delivery.objects.filter(state__in=ended, finished_at__lt=before)
    for relation in Delivery._meta.related_objects:
        if relation.on_delete is models.PROTECT:
            name = relation.field.name
            owners = relation.related_model._default_manager.filter(**{name: OuterRef("pk")})
            rows = rows.exclude(Exists(owners))
    return rows
