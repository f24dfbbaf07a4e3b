"""Claim due deliveries, send and settle them, and run the due periodic tasks."""

import time
from collections.abc import Collection
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from . import lanes, periodic
from .delivering import Outcomes, deliver_batch
from .handlers import Again, Done, handler_for, registered_kinds
from .leases import Heartbeat, claim, extend
from .models import Delivery, DeliveryQuerySet, Lane
from .settling import finish

_IDLE_POLL_SECONDS = 0.02


def work_once(kinds: Collection[str] | None = None) -> int:
    """Send one batch of each due kind, then run the due periodic tasks.

    With `kinds`, only these kinds and no periodic tasks. Returns the number of rows worked on.
    Raises OperationalError or InterfaceError if the database is lost: no row is lost then, because
    the leases expire.
    """
    touched = sum(send_batch(kind) for kind in due_kinds(kinds))
    if kinds is None:
        touched += sum(periodic.run(name) for name in periodic.due_names())
    return touched


def work_until_idle(timeout_seconds: float = 10, kinds: Collection[str] | None = None) -> int:
    """Work until nothing is left that can be sent within the timeout.

    Deliveries that are due later, and deliveries that wait for those, are left. Returns the number
    of rows worked on. Raises TimeoutError if something else is still open at the end.
    """
    ends_at = timezone.now() + timedelta(seconds=timeout_seconds)
    touched = 0
    while True:
        batch = work_once(kinds)
        touched += batch
        is_late = timezone.now() >= ends_at
        if batch and not is_late:
            continue
        open_count = _open_until(ends_at, kinds).count()
        if not open_count:
            return touched
        if is_late:
            raise TimeoutError(
                f"Still open after {timeout_seconds:g} seconds: {open_count} deliveries."
            )
        time.sleep(_IDLE_POLL_SECONDS)


def due_kinds(kinds: Collection[str] | None = None) -> list[str]:
    """The kinds that have due deliveries and whose lane is not paused; reads without locks."""
    now = timezone.now()
    wanted = set(registered_kinds() if kinds is None else kinds)
    due = Delivery.objects.due(now).in_turn().filter(kind=OuterRef("kind"))
    # One row per lane, so that the query reads a long queue only up to its first due row.
    lanes_due = dict(
        Lane.objects.filter(kind__in=wanted)
        .annotate(is_due=Exists(due) & Q(Q(paused_until=None) | Q(paused_until__lte=now)))
        .values_list("kind", "is_due")
    )
    unknown = wanted - lanes_due.keys()
    if unknown:
        Lane.objects.bulk_create([Lane(kind=kind) for kind in unknown], ignore_conflicts=True)
        return due_kinds(kinds)
    return sorted(kind for kind, is_due in lanes_due.items() if is_due)


def send_batch(kind: str) -> int:
    """Claim, deliver and settle one batch; returns its size, 0 if nothing is due."""
    handler = handler_for(kind)
    now = timezone.now()
    if Lane.objects.paused(now).filter(kind=kind).exists():
        return 0
    batch = claim(kind, limit=handler.batch_size, now=now)
    if not batch:
        return 0
    with Heartbeat(lambda: extend(batch)):
        outcomes = deliver_batch(handler, batch)
        paused_until = _update_lane(kind, outcomes)
        for delivery in batch:
            finish(delivery, outcomes[delivery.pk], handler=handler, paused_until=paused_until)
    return len(batch)


def _update_lane(kind: str, outcomes: Outcomes) -> datetime | None:
    """Pause the lane if a call was throttled (returns the end), or reset it after a success."""
    now = timezone.now()
    throttled = [o for o in outcomes.values() if isinstance(o, Again) and o.throttled]
    if throttled:
        seconds = max(outcome.delay_seconds or 0 for outcome in throttled)
        return lanes.pause(kind, reason=throttled[0].reason, at_least_seconds=seconds, now=now)
    if any(isinstance(outcome, Done) for outcome in outcomes.values()):
        lanes.reset_backoff(kind, now=now)
    return None


def _open_until(moment: datetime, kinds: Collection[str] | None) -> DeliveryQuerySet:
    """Deliveries that are leased, or can be sent up to that moment."""
    wanted = set(registered_kinds() if kinds is None else kinds)
    wanted -= set(Lane.objects.paused(moment).values_list("kind", flat=True))
    return Delivery.objects.open().in_turn().filter(kind__in=wanted, due_at__lte=moment)
