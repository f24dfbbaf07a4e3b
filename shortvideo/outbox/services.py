"""Write deliveries and change them by hand: `from shortvideo.outbox import services as outbox`."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from shortvideo.compiled import insert_row
from shortvideo.errors import InvalidState

from . import chains
from .handlers import handler_for
from .models import Delivery, DeliveryState


class DeliveryStateError(InvalidState):
    """The state of the delivery does not allow it. str() is one sentence, safe to show."""


def send(
    kind: str,
    *,
    subject: str,
    payload: Mapping[str, Any] | None = None,
    delay_seconds: float = 0,
    after: Delivery | None = None,
    supersede: bool = False,
) -> Delivery:
    """Write a delivery in the transaction of the decision that it carries out.

    Deliveries of one kind and subject are sent strictly in the order in which they were written.
    To fix that order, the caller holds a lock on its own row of the subject.

    Args:
        kind: selects the handler.
        subject: what the call is about, such as a video's id in VOD; at most 200 characters.
        payload: what the handler needs, as JSON.
        delay_seconds: seconds to wait before sending (an undo window).
        after: the predecessor: send only after it is done. If it is superseded or given up, now
            or later, this delivery is too.
        supersede: replace older deliveries of the same kind and subject that were never sent or
            were given up. Leased ones are finished first; failed attempts are replaced only if
            the handler allows it (`Handler.supersede_attempted`).

    Raises LookupError if no app registered a handler for the kind, and
    TransactionManagementError outside an atomic block: the decision must not commit alone.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError(
            "A delivery is written in the transaction of its decision: call send() inside "
            "transaction.atomic()."
        )
    handler, now = handler_for(kind), timezone.now()
    if supersede:
        _supersede_older(kind, subject, including_attempted=handler.supersede_attempted)
    delivery = Delivery(
        kind=kind,
        subject=subject,
        payload=dict(payload or {}),
        due_at=now + timedelta(seconds=delay_seconds),
        is_superseding=supersede,
    )
    if after is not None:
        _chain_after(delivery, after)
    insert_row(delivery)
    return delivery


@transaction.atomic
def retry(delivery: Delivery) -> Delivery:
    """Requeue a delivery that was given up, and the followers that were given up with it.

    Raises DeliveryStateError for any other state, and if its predecessor is not done.
    """
    now = timezone.now()
    delivery = _lock_given_up(delivery, "retried")
    if delivery.after is not None and delivery.after.state != DeliveryState.DONE:
        raise DeliveryStateError(
            f"It waits for its predecessor ({delivery.after.kind}), which is "
            f"{delivery.after.state}, not done."
        )
    chains.requeue(delivery, now=now)
    chains.requeue_followers(delivery, now=now)
    return delivery


@transaction.atomic
def repeat(delivery: Delivery) -> Delivery:
    """Send an ended delivery again as a new row, which inherits its count of claims.

    The old call may have reached the cloud before it was dismissed, and `may_have_been_sent` of
    the new row still says so. Raises DeliveryStateError if the delivery is open.
    """
    delivery.refresh_from_db()
    if delivery.is_open:
        raise DeliveryStateError(f"It has not ended: its state is {delivery.state}.")
    repeated = send(delivery.kind, subject=delivery.subject, payload=delivery.payload)
    repeated.claim_count = delivery.claim_count
    repeated.first_attempt_at = delivery.first_attempt_at
    repeated.save(update_fields=["claim_count", "first_attempt_at"])
    return repeated


@transaction.atomic
def cancel(delivery: Delivery) -> Delivery:
    """Cancel a delivery that no worker has claimed yet, and all its followers.

    Raises DeliveryStateError if it was claimed: then only a new decision helps.
    """
    row = Delivery.objects.filter(pk=delivery.pk)
    # The state is part of the locking query, to avoid a deadlock: the caller holds the video, and
    # a worker that finishes this delivery holds the delivery and waits for the video. A leased row
    # does not match, so the query does not wait for that worker.
    untouched = row.waiting().filter(claim_count=0).select_for_update(no_key=True)
    if untouched.first() is None:
        delivery.refresh_from_db()
        raise DeliveryStateError(
            "Only a delivery that was never tried can be cancelled; "
            f"it is {delivery.state} after {delivery.claim_count} attempts."
        )
    chains.supersede(row, now=timezone.now())
    delivery.refresh_from_db()
    return delivery


@transaction.atomic
def dismiss(delivery: Delivery) -> Delivery:
    """Close a delivery that was given up, and the followers that were given up with it.

    It becomes superseded, keeps its error and cannot be retried. Raises DeliveryStateError for
    any other state.
    """
    delivery = _lock_given_up(delivery, "dismissed")
    chains.supersede(Delivery.objects.filter(pk=delivery.pk), now=timezone.now())
    delivery.refresh_from_db()
    return delivery


def _lock_given_up(delivery: Delivery, operation: str) -> Delivery:
    """Lock the subject, then the row, and read it again.

    Raises DeliveryStateError in any other state.
    """
    handler_for(delivery.kind).lock_subject(delivery.subject)
    # The state is part of the locking query for the reason that `cancel` gives.
    given_up = Delivery.objects.given_up().select_for_update(no_key=True)
    row = given_up.filter(pk=delivery.pk).first()
    if row is None:
        delivery.refresh_from_db()
        raise DeliveryStateError(
            f"Only a delivery that was given up can be {operation}; it is {delivery.state}."
        )
    return row


def _supersede_older(kind: str, subject: str, *, including_attempted: bool) -> None:
    replaceable = Q(state=DeliveryState.GIVEN_UP) | Q(state=DeliveryState.WAITING)
    if not including_attempted:
        replaceable &= Q(state=DeliveryState.GIVEN_UP) | Q(claim_count=0)
    older = Delivery.objects.filter(replaceable, kind=kind).for_subject(subject)
    chains.supersede(older.select_for_update(no_key=True), now=timezone.now())


def _chain_after(delivery: Delivery, predecessor: Delivery) -> None:
    """Set `after`, and end the delivery now if the predecessor has ended.

    Locks the predecessor, so that it cannot end between this look and the caller's commit. A
    leased one is not locked, because its worker may wait for the caller's row. That worker locks
    the caller's row before it looks for followers, so it finds this delivery.
    """
    row = Delivery.objects.filter(pk=predecessor.pk)
    free = row.exclude(state=DeliveryState.LEASED).select_for_update(no_key=True)
    locked = free.first()
    # A predecessor that was leased just now may end before its worker can see this row, and then
    # nothing would release it. So it is not held; `in_turn()` keeps it waiting.
    delivery.is_held = locked is not None and locked.state == DeliveryState.WAITING
    delivery.after = predecessor = locked or row.get()
    if predecessor.state == DeliveryState.SUPERSEDED:
        delivery.state = DeliveryState.SUPERSEDED
        delivery.finished_at = timezone.now()
    elif predecessor.state == DeliveryState.GIVEN_UP:
        outcome = chains.follower_refusal(predecessor)
        delivery.state = DeliveryState.GIVEN_UP
        delivery.finished_at = timezone.now()
        delivery.error_code, delivery.error = outcome.code, outcome.message
