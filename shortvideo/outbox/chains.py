"""What the end of one delivery means for those that come after it.

Done lets them go; superseded and given up end them in the same way. All of this runs inside the
transaction that ends the first one.
"""

from collections.abc import Callable
from datetime import datetime

from django.db.models import Q

from .handlers import Handler, Outcome, Refused, Superseded, handler_for
from .models import PREDECESSOR_GIVEN_UP, Delivery, DeliveryQuerySet, DeliveryState

Tell = Callable[[Handler, Delivery, Outcome], None]


def tell(handler: Handler, delivery: Delivery, outcome: Outcome) -> None:
    handler.settle(delivery, outcome)


def supersede(deliveries: DeliveryQuerySet, *, now: datetime) -> None:
    """End these rows, which must be locked and in nobody's hands, and all that wait for them.

    Their handlers are told.
    """
    for delivery in deliveries:
        delivery.state, delivery.finished_at = DeliveryState.SUPERSEDED, now
        delivery.save(update_fields=["state", "finished_at"])
        handler_for(delivery.kind).settle(delivery, Superseded())
        supersede_followers(delivery, now=now)


def supersede_followers(delivery: Delivery, *, now: datetime) -> None:
    """End what waits for a delivery that is superseded, or was given up with it."""
    ended_with_it = Q(state=DeliveryState.GIVEN_UP, error_code=PREDECESSOR_GIVEN_UP)
    followers = Delivery.objects.filter(
        Q(state=DeliveryState.WAITING) | ended_with_it, after=delivery
    )
    supersede(followers.select_for_update(no_key=True), now=now)


def give_up_followers(delivery: Delivery, *, now: datetime, tell: Tell = tell) -> None:
    """Give up what waits for a delivery that was given up, and tell its handlers."""
    outcome = refusal_of_follower(delivery)
    followers = Delivery.objects.waiting().filter(after=delivery)
    for follower in followers.select_for_update(no_key=True):
        follower.state = DeliveryState.GIVEN_UP
        follower.finished_at = now
        follower.error_code, follower.error = outcome.code, outcome.message
        follower.save(update_fields=["state", "finished_at", "error_code", "error"])
        tell(handler_for(follower.kind), follower, outcome)
        give_up_followers(follower, now=now, tell=tell)


def revive_followers(delivery: Delivery, *, now: datetime) -> None:
    """Let what was given up only because of this delivery wait for it once more."""
    ended_with_it = Delivery.objects.given_up().filter(
        after=delivery, error_code=PREDECESSOR_GIVEN_UP
    )
    for follower in ended_with_it.select_for_update(no_key=True):
        wait_afresh(follower, now=now, is_held=True)
        revive_followers(follower, now=now)


def let_followers_go(delivery: Delivery) -> None:
    Delivery.objects.filter(after=delivery, is_held=True).update(is_held=False)


def wait_afresh(delivery: Delivery, *, now: datetime, is_held: bool = False) -> None:
    """Back to waiting, with all its attempts before it."""
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


def refusal_of_follower(predecessor: Delivery) -> Refused:
    return Refused(
        code=PREDECESSOR_GIVEN_UP,
        message=f"Not sent, because the {predecessor.kind} before it was given up.",
    )
