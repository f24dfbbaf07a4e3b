"""Pausing a whole kind while the cloud throttles it."""

from datetime import datetime, timedelta

from django.db import transaction

from . import backoff
from .models import Delivery, Lane


@transaction.atomic
def pause(kind: str, *, reason: str, at_least_seconds: float, now: datetime) -> datetime:
    """Send nothing of this kind for a while; returns the end of the pause.

    A batch that was sent before the pause began extends it only to the wait that the cloud asked
    of that batch.
    """
    Lane.objects.get_or_create(kind=kind)
    lane = Lane.objects.select_for_update().get(kind=kind)
    seconds = at_least_seconds
    if lane.paused_until is None or lane.paused_until <= now:
        lane.throttled_count += 1
        seconds = max(seconds, backoff.pause_seconds(lane.throttled_count))
    until = now + timedelta(seconds=seconds)
    lane.paused_until = until = max(until, lane.paused_until or until)
    lane.reason = reason
    lane.save()
    return until


def reset_backoff(kind: str, *, now: datetime) -> None:
    """After a successful call: the next pause is short again. A running pause stays."""
    throttled = Lane.objects.filter(kind=kind, throttled_count__gt=0).exclude(paused_until__gt=now)
    if throttled.exists():  # reading first: an update would take a write lock each time
        with transaction.atomic():
            throttled.update(throttled_count=0, paused_until=None, reason="")


@transaction.atomic
def resume(kind: str, *, now: datetime) -> None:
    """End the pause for an operator; the deliveries that it delayed are due now."""
    lane = Lane.objects.select_for_update().get(kind=kind)
    until = lane.paused_until
    lane.paused_until, lane.throttled_count, lane.reason = None, 0, ""
    lane.save(update_fields=["paused_until", "throttled_count", "reason"])
    if until is not None:
        tried = Delivery.objects.waiting().filter(kind=kind, claim_count__gt=0)
        tried.filter(due_at__gt=now, due_at__lte=until).update(due_at=now)
