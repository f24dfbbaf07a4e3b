"""Writing deliveries: `from shortvideo.outbox import services as outbox`."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from . import chains
from .handlers import handler_for
from .models import Delivery, DeliveryState


class DeliveryStateError(ValueError):
    """The delivery is not in a state that allows this; the message is one sentence, fit to show."""


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

    Deliveries of one kind and subject are sent strictly in the order in which they were written:
    the caller holds a lock on its own row of the subject, so that there is an order.

    Args:
        kind: chooses the handler; LookupError when no app registered one.
        subject: what it is about, such as a video's id in VOD; at most 200 characters.
        payload: what the handler needs, as JSON.
        delay_seconds: not before this many seconds from now (an undo window).
        after: sent only once that one is done. Superseded or given up with it, at once when it
            is already.
        supersede: replaces older ones of the same kind and subject that were not sent, or were
            given up. Those under way are finished first; those tried without success are replaced
            only where the handler allows it (`Handler.supersede_attempted`).

    Raises TransactionManagementError outside an atomic block: the row and the decision stand or
    fall together.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError(
            "A delivery is written in the transaction of its decision: call send() inside "
            "transaction.atomic()."
        )
    handler, now = handler_for(kind), timezone.now()
    if supersede:
        _supersede_older(kind, subject, attempted_too=handler.supersede_attempted)
    delivery = Delivery(
        kind=kind,
        subject=subject,
        payload=dict(payload or {}),
        due_at=now + timedelta(seconds=delay_seconds),
        is_superseding=supersede,
    )
    if after is not None:
        _put_after(delivery, after)
    delivery.save()
    return delivery


@transaction.atomic
def retry(delivery: Delivery) -> Delivery:
    """Send a delivery that was given up once more, and what was given up because of it.

    Raises DeliveryStateError for any other state, and when the one it comes after is not done.
    """
    now = timezone.now()
    delivery = _locked_given_up(delivery, "retried")
    if delivery.after is not None and delivery.after.state != DeliveryState.DONE:
        raise DeliveryStateError(
            f"It comes after another ({delivery.after.kind}), which is {delivery.after.state}, "
            "not done."
        )
    chains.wait_afresh(delivery, now=now)
    chains.revive_followers(delivery, now=now)
    return delivery


@transaction.atomic
def repeat(delivery: Delivery) -> Delivery:
    """Send what has ended once more, as a new row that has the attempts of the first behind it.

    For what may have reached the cloud although it was dismissed: `may_have_been_sent` is true of
    the new one too. Raises DeliveryStateError for what has not ended.
    """
    delivery.refresh_from_db()
    if delivery.is_open:
        raise DeliveryStateError(f"It has not ended: this delivery is {delivery.state}.")
    repeated = send(delivery.kind, subject=delivery.subject, payload=delivery.payload)
    repeated.claim_count = delivery.claim_count
    repeated.first_attempt_at = delivery.first_attempt_at
    repeated.save(update_fields=["claim_count", "first_attempt_at"])
    return repeated


@transaction.atomic
def cancel(delivery: Delivery) -> Delivery:
    """Take back a delivery that no worker has taken yet, and all that waits for it.

    Raises DeliveryStateError when it was or is being sent: then only a new decision helps.
    """
    row = Delivery.objects.filter(pk=delivery.pk)
    # Its state is part of the locking query: the caller holds its own row, and a worker that is
    # just finishing this one waits for that row. Neither may wait for the other.
    untouched = row.waiting().filter(claim_count=0).select_for_update(no_key=True)
    if untouched.first() is None:
        delivery.refresh_from_db()
        raise DeliveryStateError(
            "Only a delivery that was never tried can be cancelled; "
            f"this one is {delivery.state} after {delivery.claim_count} attempts."
        )
    chains.supersede(row, now=timezone.now())
    delivery.refresh_from_db()
    return delivery


@transaction.atomic
def dismiss(delivery: Delivery) -> Delivery:
    """Close a delivery that was given up, and what was given up because of it.

    It is superseded and keeps its error: somebody has seen it, and it will not be sent any more.
    Raises DeliveryStateError for any other state.
    """
    delivery = _locked_given_up(delivery, "dismissed")
    chains.supersede(Delivery.objects.filter(pk=delivery.pk), now=timezone.now())
    delivery.refresh_from_db()
    return delivery


def _locked_given_up(delivery: Delivery, what: str) -> Delivery:
    """The row, fresh and locked after its subject; DeliveryStateError in any other state."""
    handler_for(delivery.kind).lock_subject(delivery.subject)
    # Its state is part of the locking query for the reason that `cancel` gives.
    given_up = Delivery.objects.given_up().select_for_update(no_key=True)
    row = given_up.filter(pk=delivery.pk).first()
    if row is None:
        delivery.refresh_from_db()
        raise DeliveryStateError(
            f"Only a delivery that was given up can be {what}; this one is {delivery.state}."
        )
    return row


def _supersede_older(kind: str, subject: str, *, attempted_too: bool) -> None:
    replaceable = Q(state=DeliveryState.GIVEN_UP) | Q(state=DeliveryState.WAITING)
    if not attempted_too:
        replaceable &= Q(state=DeliveryState.GIVEN_UP) | Q(claim_count=0)
    older = Delivery.objects.filter(replaceable, kind=kind).for_subject(subject)
    chains.supersede(older.select_for_update(no_key=True), now=timezone.now())


def _put_after(delivery: Delivery, predecessor: Delivery) -> None:
    """See to it that the predecessor cannot end unseen between our look and our commit.

    It is locked, unless a worker holds it, which may be waiting for the caller's own row: before
    such a worker looks for what comes after, it takes that row.
    """
    row = Delivery.objects.filter(pk=predecessor.pk)
    free = row.exclude(state=DeliveryState.LEASED).select_for_update(no_key=True)
    locked = free.first()
    # One that a worker held may end before this row can be seen, whatever it is by now.
    delivery.is_held = locked is not None and locked.state == DeliveryState.WAITING
    delivery.after = predecessor = locked or row.get()
    if predecessor.state == DeliveryState.SUPERSEDED:
        delivery.state = DeliveryState.SUPERSEDED
        delivery.finished_at = timezone.now()
    elif predecessor.state == DeliveryState.GIVEN_UP:
        outcome = chains.refusal_of_follower(predecessor)
        delivery.state = DeliveryState.GIVEN_UP
        delivery.finished_at = timezone.now()
        delivery.error_code, delivery.error = outcome.code, outcome.message
