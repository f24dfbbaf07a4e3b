"""Slowing a whole kind down while the cloud throttles it."""

from datetime import datetime, timedelta

from django.db import transaction

from . import backoff
from .models import Delivery, Lane


@transaction.atomic
def pause(kind: str, *, reason: str, at_least_seconds: float, now: datetime) -> datetime:
    """Send nothing of this kind for a while; returns until when.

    Batches that were under way when the pause began do not lengthen it beyond what they were told
    to wait.
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


def resume(kind: str, *, now: datetime) -> None:
    """A call went through: the next pause is short again. A pause that still runs is kept."""
    throttled = Lane.objects.filter(kind=kind, throttled_count__gt=0).exclude(paused_until__gt=now)
    if throttled.exists():  # a look costs no write lock
        with transaction.atomic():
            throttled.update(throttled_count=0, paused_until=None, reason="")


@transaction.atomic
def reopen(kind: str, *, now: datetime) -> None:
    """Somebody has seen to it: the pause is over, and what was put off by it is due."""
    lane = Lane.objects.select_for_update().get(kind=kind)
    until = lane.paused_until
    lane.paused_until, lane.throttled_count, lane.reason = None, 0, ""
    lane.save(update_fields=["paused_until", "throttled_count", "reason"])
    if until is not None:
        tried = Delivery.objects.waiting().filter(kind=kind, claim_count__gt=0)
        tried.filter(due_at__gt=now, due_at__lte=until).update(due_at=now)
