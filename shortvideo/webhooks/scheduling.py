"""How long to wait for an endpoint that fails or is slow, and what waits with it."""

from datetime import datetime, timedelta
from random import Random, SystemRandom
from typing import Final

from django.utils import timezone

from shortvideo.outbox.backoff import ceiling_seconds
from shortvideo.outbox.models import Delivery, DeliveryQuerySet
from shortvideo.pacing import Pace

from .models import Endpoint, EventType
from .services import KIND

FIRST_SECONDS: Final = 5.0
LONGEST_SECONDS: Final = 3600.0
LONGEST_PAUSE_SECONDS: Final = 60.0
SET_ASIDE_SECONDS: Final = 60.0  # at most: an endpoint that keeps up is sent it sooner
OUTAGE: Final = 3  # failures in a row, after which its first success hurries what waits
pace: Final = Pace(most_rows=500)

_random = SystemRandom()


def retry_seconds(attempt: int, *, random: Random = _random) -> float:
    """Until an event is tried again after this attempt, the first being 1: doubles, to an hour."""
    ceiling = ceiling_seconds(attempt, base=FIRST_SECONDS, cap=LONGEST_SECONDS)
    return random.uniform(ceiling / 2, ceiling)


def pause_seconds(failure_count: int, *, random: Random = _random) -> float:
    """Until an endpoint is called again after so many failures in a row.

    Shorter than `retry_seconds`: where it refuses one event only, the others soon have their turn.
    """
    return min(LONGEST_PAUSE_SECONDS, retry_seconds(failure_count, random=random) / 4)


def postpone(endpoint: Endpoint, until: datetime) -> None:
    """Let all that waits for an endpoint wait until then, so that it takes no place in a batch."""
    while move(waiting_for(endpoint).filter(due_at__lt=until), to=until):
        pass


def hurry(endpoint: Endpoint) -> None:
    """Send now what waits for an endpoint that is back."""
    now = timezone.now()
    while move(waiting_for(endpoint).filter(due_at__gt=now), to=now):
        pass


def set_aside(endpoint: Endpoint) -> None:
    """Let all that is due for an endpoint that does not keep up leave the batches to the others."""
    now = timezone.now()
    until = now + timedelta(seconds=SET_ASIDE_SECONDS)
    while move(waiting_for(endpoint).filter(due_at__lte=now), to=until):
        pass


def bring_forward(endpoint: Endpoint, count: int) -> None:
    """Send now, oldest first, so many that were set aside for an endpoint that keeps up."""
    now = timezone.now()
    aside = waiting_for(endpoint).filter(due_at__gt=now, attempts=0)
    if aside.exists():
        move(aside, to=now, most=count)


def waiting_for(endpoint: Endpoint) -> DeliveryQuerySet:
    """Its events; a test event waits for nothing."""
    # As the index of what is ready has it: it holds few rows, an endpoint's history many.
    ready = Delivery.objects.open().waiting().filter(kind=KIND, is_held=False)
    return ready.filter(webhook_dispatch__endpoint=endpoint).exclude(
        webhook_dispatch__event__type=EventType.PING
    )


def move(deliveries: DeliveryQuerySet, *, to: datetime, most: int | None = None) -> int:
    """Change when some of these are due; rows in other hands are left alone."""
    most = pace.rows if most is None else min(most, pace.rows)
    with pace.transaction():
        locked = deliveries.select_for_update(skip_locked=True, of=("self",)).order_by("pk")
        ids = list(locked.values_list("pk", flat=True)[:most])
        return Delivery.objects.filter(pk__in=ids).update(due_at=to) if ids else 0
