"""What the end of a delivery means for its followers: the deliveries `after` it.

Followers of a done delivery are released; a superseded or given-up delivery ends its followers in
the same way. Everything here runs inside the transaction that ends the first delivery.
"""

from collections.abc import Callable
from datetime import datetime

from django.db.models import Q

from .handlers import Handler, Outcome, Refused, Superseded, handler_for
from .models import PREDECESSOR_GIVEN_UP, Delivery, DeliveryQuerySet, DeliveryState

SettleCallback = Callable[[Handler, Delivery, Outcome], None]


def settle(handler: Handler, delivery: Delivery, outcome: Outcome) -> None:
    handler.settle(delivery, outcome)


def supersede(deliveries: DeliveryQuerySet, *, now: datetime) -> None:
    """End deliveries and all their followers, and settle each.

    The caller has locked the rows, and no worker holds them.
    """
    for delivery in deliveries:
        delivery.state, delivery.finished_at = DeliveryState.SUPERSEDED, now
        delivery.save(update_fields=["state", "finished_at"])
        handler_for(delivery.kind).settle(delivery, Superseded())
        supersede_followers(delivery, now=now)


def supersede_followers(delivery: Delivery, *, now: datetime) -> None:
    """End the followers that wait, or that were given up because of this delivery."""
    given_up_with_it = Q(state=DeliveryState.GIVEN_UP, error_code=PREDECESSOR_GIVEN_UP)
    followers = Delivery.objects.filter(
        Q(state=DeliveryState.WAITING) | given_up_with_it, after=delivery
    )
    supersede(followers.select_for_update(no_key=True), now=now)


def give_up_followers(
    delivery: Delivery, *, now: datetime, settle: SettleCallback = settle
) -> None:
    """Give up all followers that wait, and settle each."""
    outcome = follower_refusal(delivery)
    followers = Delivery.objects.waiting().filter(after=delivery)
    for follower in followers.select_for_update(no_key=True):
        follower.state = DeliveryState.GIVEN_UP
        follower.finished_at = now
        follower.error_code, follower.error = outcome.code, outcome.message
        follower.save(update_fields=["state", "finished_at", "error_code", "error"])
        settle(handler_for(follower.kind), follower, outcome)
        give_up_followers(follower, now=now, settle=settle)


def requeue_followers(delivery: Delivery, *, now: datetime) -> None:
    """Requeue the followers that were given up because of this delivery."""
    given_up_with_it = Delivery.objects.given_up().filter(
        after=delivery, error_code=PREDECESSOR_GIVEN_UP
    )
    for follower in given_up_with_it.select_for_update(no_key=True):
        requeue(follower, now=now, is_held=True)
        requeue_followers(follower, now=now)


def release_followers(delivery: Delivery) -> None:
    """Let workers look at the followers of a done delivery."""
    Delivery.objects.filter(after=delivery, is_held=True).update(is_held=False)


def requeue(delivery: Delivery, *, now: datetime, is_held: bool = False) -> None:
    """Set the delivery back to waiting, with no attempts counted and no error."""
    delivery.state = DeliveryState.WAITING
    delivery.is_held = is_held
    delivery.retry_count += 1
    delivery.due_at = now
    delivery.attempts = delivery.fault_count = 0
    delivery.finished_at = None
    delivery.error_code = delivery.error = delivery.error_request_id = ""
    delivery.save(
        update_fields=[
            "state", "is_held", "due_at", "attempts", "fault_count", "retry_count", "finished_at",
            "error_code", "error", "error_request_id",
        ]
    )  # fmt: skip


def follower_refusal(predecessor: Delivery) -> Refused:
    return Refused(
        code=PREDECESSOR_GIVEN_UP,
        message=f"Not sent, because the {predecessor.kind} before it was given up.",
    )
