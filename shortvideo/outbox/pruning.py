"""Deliveries that ended long ago go; what a row of an app points to stays with that row."""

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
    """Delete what was done or superseded more than OUTBOX_KEEP_DAYS ago."""
    prune_before(timezone.now() - timedelta(days=settings.OUTBOX_KEEP_DAYS))


def prune_before(moment: datetime) -> int:
    """Delete, in portions, what ended well before a moment; returns how many rows.

    What was given up stays until somebody has seen to it. So does a delivery that an app's row
    protects, such as that of a decision: the log says for ever how a decision reached VOD.
    """
    return delete_old(prunable(moment), pace, before=moment)


def prunable(moment: datetime) -> DeliveryQuerySet:
    ended = (DeliveryState.DONE, DeliveryState.SUPERSEDED)
    rows = Delivery.objects.filter(state__in=ended, finished_at__lt=moment)
    for relation in Delivery._meta.related_objects:
        if relation.on_delete is models.PROTECT:
            name = relation.field.name
            owners = relation.related_model._default_manager.filter(**{name: OuterRef("pk")})
            rows = rows.exclude(Exists(owners))
    return rows
