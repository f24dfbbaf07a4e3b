"""Taking rows so that no two workers hold the same, and keeping them while the work lasts."""

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self
from uuid import UUID, uuid4

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connections, transaction
from django.db.models import Case, F, PositiveIntegerField, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from .models import Delivery, DeliveryState

logger = logging.getLogger(__name__)


class LeaseLostError(Exception):
    """Another worker may have taken over: what this one was about to write is rolled back."""


def lease_end(now: datetime) -> datetime:
    return now + timedelta(seconds=settings.OUTBOX_LEASE_SECONDS)


def claim(kind: str, *, limit: int, now: datetime) -> list[Delivery]:
    """Take up to `limit` deliveries that are due and whose turn it is, oldest first.

    On PostgreSQL rows that another worker is just taking are skipped; on SQLite the transaction
    is IMMEDIATE, so that there is no other, and Django leaves the locking clause out.
    """
    with transaction.atomic():
        ready = Delivery.objects.due(now).in_turn().filter(kind=kind).order_by("due_at", "id")
        locked = ready.select_for_update(skip_locked=True, of=("self",), no_key=True)
        ids = [delivery.pk for delivery in locked.only("pk")[:limit]]
        if not ids:
            return []
        taken = Delivery.objects.filter(pk__in=ids)
        taken.update(
            state=DeliveryState.LEASED,
            lease_token=uuid4(),
            lease_until=lease_end(now),
            attempts=F("attempts") + 1,
            claim_count=F("claim_count") + 1,
            broken_lease_count=Case(
                When(state=DeliveryState.LEASED, then=F("broken_lease_count") + 1),
                default=F("broken_lease_count"),
                output_field=PositiveIntegerField(),
            ),
            fault_count=Case(
                When(state=DeliveryState.LEASED, then=F("fault_count") + 1),
                default=F("fault_count"),
                output_field=PositiveIntegerField(),
            ),
            first_attempt_at=Coalesce("first_attempt_at", Value(now)),
        )
        return list(taken.order_by("due_at", "id"))


@transaction.atomic
def extend(deliveries: list[Delivery]) -> None:
    """Keep a claim for another lease. Rows that another worker holds by now are left alone."""
    held = Delivery.objects.filter(
        pk__in=[delivery.pk for delivery in deliveries],
        state=DeliveryState.LEASED,
        lease_token=deliveries[0].lease_token,
    )
    held.update(lease_until=lease_end(timezone.now()))


def lock_held(delivery: Delivery, token: UUID | None) -> Delivery:
    """The row, fresh and locked, for whoever holds its token; LeaseLostError for anybody else."""
    # Without its key: what is written meanwhile may point to it, and must not wait for us.
    held = Delivery.objects.select_for_update(no_key=True).filter(
        pk=delivery.pk, state=DeliveryState.LEASED, lease_token=token
    )
    row = held.first()
    if token is None or row is None:
        raise LeaseLostError
    return row


class Heartbeat:
    """While the block runs, calls `extend` three times a lease, from a thread of its own.

    The thread has its own database connection, opened for the first beat and closed at the end.
    """

    def __init__(self, extend: Callable[[], None]) -> None:
        self._extend = extend
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
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
        except (DatabaseError, InterfaceError):
            # The token decides at the end whether the lease was held; the next beat may reach it.
            logger.warning("A lease could not be extended", exc_info=True)
            connections.close_all()
