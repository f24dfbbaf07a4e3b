"""Claim rows so that no two workers hold the same one, and extend the lease during the work."""

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID, uuid4

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connections, transaction
from django.db.models import Case, F, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from shortvideo.database import describe

from .models import Delivery, DeliveryState

logger = logging.getLogger(__name__)


class LeaseLostError(Exception):
    """Another worker may hold the row by now, so the writes of this worker are rolled back."""


def lease_end(now: datetime) -> datetime:
    return now + timedelta(seconds=settings.OUTBOX_LEASE_SECONDS)


def claim(kind: str, *, limit: int, now: datetime) -> list[Delivery]:
    """Lease up to `limit` deliveries that are due and in turn, oldest first.

    PostgreSQL skips rows that another worker is just claiming. On SQLite the transaction is
    IMMEDIATE, so two claims never overlap, and Django leaves the locking clause out.
    """
    with transaction.atomic():
        ready = Delivery.objects.due(now).in_turn().filter(kind=kind).order_by("due_at", "id")
        locked = ready.select_for_update(skip_locked=True, of=("self",), no_key=True)
        ids = [delivery.pk for delivery in locked.only("pk")[:limit]]
        if not ids:
            return []
        claimed = Delivery.objects.filter(pk__in=ids)
        expired = Case(When(state=DeliveryState.LEASED, then=1), default=0)  # its worker is gone
        claimed.update(
            state=DeliveryState.LEASED,
            lease_token=uuid4(),
            lease_until=lease_end(now),
            attempts=F("attempts") + 1,
            claim_count=F("claim_count") + 1,
            broken_lease_count=F("broken_lease_count") + expired,
            fault_count=F("fault_count") + expired,
            first_attempt_at=Coalesce("first_attempt_at", Value(now)),
        )
        return list(claimed.order_by("due_at", "id"))


@transaction.atomic
def extend(deliveries: list[Delivery]) -> None:
    """Extend the lease of claimed deliveries, except those that another worker holds by now."""
    held = Delivery.objects.filter(
        pk__in=[delivery.pk for delivery in deliveries],
        state=DeliveryState.LEASED,
        lease_token=deliveries[0].lease_token,
    )
    held.update(lease_until=lease_end(timezone.now()))


def lock_held(delivery: Delivery, token: UUID | None) -> Delivery:
    """Lock the row and read it again. Raises LeaseLostError if `token` does not hold it."""
    # no_key: a follower that is inserted meanwhile points to this row, and its foreign key check
    # must not wait for this lock.
    held = Delivery.objects.select_for_update(no_key=True).filter(
        pk=delivery.pk, state=DeliveryState.LEASED, lease_token=token
    )
    row = held.first()
    if token is None or row is None:
        raise LeaseLostError
    return row


class Heartbeat:
    """Call `extend` three times per lease while the block runs, from a separate thread.

    The thread has its own database connection, opened for the first beat and closed at the end.
    """

    def __init__(self, extend: Callable[[], object]) -> None:
        self._extend = extend
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._stopped.wait(settings.OUTBOX_LEASE_SECONDS / 3):
                self._beat()
        finally:
            connections.close_all()

    def _beat(self) -> None:
        try:
            self._extend()
        except (DatabaseError, InterfaceError) as error:
            # The next beat may succeed; in the end the token decides whether the lease was kept.
            logger.warning("A lease could not be extended", extra={"cause": describe(error)})
            connections.close_all()
