"""When an endpoint is called again after a failure, and when its waiting events are due."""

from datetime import datetime, timedelta
from random import Random, SystemRandom
from typing import Final

from django.utils import timezone

from shortvideo.outbox.backoff import ceiling_seconds
from shortvideo.outbox.models import Delivery, DeliveryQuerySet
from shortvideo.pacing import Pace

from .models import Endpoint, EventType
from .services import KIND

FIRST_RETRY_SECONDS: Final = 5.0
OUTAGE_FAILURES: Final = 3  # in a row; the first success after them makes all waiting events due
DEFER_SECONDS: Final = 60.0  # at most: a success makes deferred events due sooner
_LONGEST_RETRY_SECONDS: Final = 3600.0
_LONGEST_PAUSE_SECONDS: Final = 60.0

pace: Final = Pace(most_rows=500)
_random = SystemRandom()


def retry_seconds(attempt: int, *, random: Random = _random) -> float:
    """Wait until an event is tried again after this attempt (1 is the first): up to an hour."""
    ceiling = ceiling_seconds(attempt, base=FIRST_RETRY_SECONDS, cap=_LONGEST_RETRY_SECONDS)
    return random.uniform(ceiling / 2, ceiling)


def pause_seconds(failure_count: int, *, random: Random = _random) -> float:
    """Wait until an endpoint is called again after this many failures in a row.

    Shorter than `retry_seconds`: if the endpoint refuses one event only, the others follow soon.
    """
    return min(_LONGEST_PAUSE_SECONDS, retry_seconds(failure_count, random=random) / 4)


def postpone(endpoint: Endpoint, until: datetime) -> None:
    """Make all waiting events of an endpoint due at `until`, so that they fill no batch."""
    while _move(_waiting_for(endpoint).filter(due_at__lt=until), to=until):
        pass


def make_all_due(endpoint: Endpoint) -> None:
    """Make all waiting events of an endpoint due now: it is back after an outage."""
    now = timezone.now()
    while _move(_waiting_for(endpoint).filter(due_at__gt=now), to=now):
        pass


def defer(endpoint: Endpoint) -> None:
    """Delay all due events of a slow endpoint, so that the batches have room for others."""
    now = timezone.now()
    until = now + timedelta(seconds=DEFER_SECONDS)
    while _move(_waiting_for(endpoint).filter(due_at__lte=now), to=until):
        pass


def make_deferred_due(endpoint: Endpoint, count: int) -> None:
    """Make the oldest `count` deferred events of an endpoint due now."""
    now = timezone.now()
    deferred = _waiting_for(endpoint).filter(due_at__gt=now, attempts=0)
    if deferred.exists():
        _move(deferred, to=now, most=count)


def _waiting_for(endpoint: Endpoint) -> DeliveryQuerySet:
    """The waiting events of an endpoint, without test events: those are sent at once."""
    # The condition of the `outbox_ready` index: it holds few rows, an endpoint's history many.
    ready = Delivery.objects.open().waiting().filter(kind=KIND, is_held=False)
    return ready.filter(webhook_dispatch__endpoint=endpoint).exclude(
        webhook_dispatch__event__type=EventType.PING
    )


def _move(deliveries: DeliveryQuerySet, *, to: datetime, most: int | None = None) -> int:
    """Set `due_at` of one portion; returns its size. Skips rows that a worker is claiming."""
    most = pace.rows if most is None else min(most, pace.rows)
    with pace.transaction():
        locked = deliveries.select_for_update(skip_locked=True, of=("self",)).order_by("pk")
        ids = list(locked.values_list("pk", flat=True)[:most])
        return Delivery.objects.filter(pk__in=ids).update(due_at=to) if ids else 0
