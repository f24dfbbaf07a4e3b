"""Claims what is due, delivers it, settles it."""

import time
from collections.abc import Collection
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from . import lanes, periodic
from .delivering import Outcomes, outcomes_of
from .handlers import Again, Done, handler_for, registered_kinds
from .leases import Heartbeat, claim, extend
from .models import Delivery, DeliveryQuerySet, Lane
from .settling import finish

_IDLE_POLL_SECONDS = 0.02


def work_once(kinds: Collection[str] | None = None) -> int:
    """One batch of each kind that is due, then the periodic tasks that are due.

    With `kinds`, only these, and no periodic task. Returns the number of rows touched. Raises
    OperationalError or InterfaceError when the database is lost: nothing is, and the leases end
    by themselves.
    """
    touched = sum(send_batch(kind) for kind in due_kinds(kinds))
    if kinds is None:
        touched += sum(periodic.run(name) for name in periodic.due_names())
    return touched


def work_until_idle(timeout_seconds: float = 10, kinds: Collection[str] | None = None) -> int:
    """Work until nothing is open that could be sent within the time; returns the rows touched.

    What is due later than that, or waits for such a row, is left. Raises TimeoutError when
    something is still open at the end.
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
    """The kinds of which something is due, whose lane is not paused; one read, without locks."""
    now = timezone.now()
    wanted = set(registered_kinds() if kinds is None else kinds)
    due = Delivery.objects.due(now).in_turn().filter(kind=OuterRef("kind"))
    # From the few lanes, so that a long queue is looked at only up to its first row.
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
    """Claim, deliver and settle one batch; returns its size, 0 when nothing is due."""
    handler = handler_for(kind)
    now = timezone.now()
    if Lane.objects.paused(now).filter(kind=kind).exists():
        return 0
    batch = claim(kind, limit=handler.batch_size, now=now)
    if not batch:
        return 0
    with Heartbeat(lambda: extend(batch)):
        outcomes = outcomes_of(handler, batch)
        paused_until = _steer_lane(kind, outcomes)
        for delivery in batch:
            finish(delivery, outcomes[delivery.pk], handler=handler, paused_until=paused_until)
    return len(batch)


def _steer_lane(kind: str, outcomes: Outcomes) -> datetime | None:
    """Pause the lane once for all that was throttled; ease it when something went through."""
    now = timezone.now()
    throttled = [o for o in outcomes.values() if isinstance(o, Again) and o.throttled]
    if throttled:
        seconds = max(outcome.delay_seconds or 0 for outcome in throttled)
        return lanes.pause(kind, reason=throttled[0].reason, at_least_seconds=seconds, now=now)
    if any(isinstance(outcome, Done) for outcome in outcomes.values()):
        lanes.resume(kind, now=now)
    return None


def _of_kinds(kinds: Collection[str] | None) -> DeliveryQuerySet:
    return Delivery.objects.filter(kind__in=registered_kinds() if kinds is None else kinds)


def _open_until(moment: datetime, kinds: Collection[str] | None) -> DeliveryQuerySet:
    """What is being sent or could be, up to that moment."""
    paused = Lane.objects.paused(moment).values("kind")
    candidates = _of_kinds(kinds).open().in_turn().filter(due_at__lte=moment)
    return candidates.exclude(kind__in=paused)
