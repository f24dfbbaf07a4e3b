"""What the end of one delivery means for those that come after it.

Done lets them go (the claim looks at it); superseded and given up end them in the same way. All of
this runs inside the transaction that ends the first one.
"""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q

from .handlers import Refused, handler_for
from .models import PREDECESSOR_GIVEN_UP, Delivery, DeliveryQuerySet, DeliveryState


def supersede(deliveries: DeliveryQuerySet, *, now: datetime) -> None:
    """End these rows, which must be locked and in nobody's hands, and all that wait for them."""
    ids = list(deliveries.values_list("pk", flat=True))
    while ids:
        Delivery.objects.filter(pk__in=ids).update(
            state=DeliveryState.SUPERSEDED, finished_at=now, lease_until=None, lease_token=None
        )
        ids = list(_depending_on(ids).values_list("pk", flat=True))


def give_up_followers(delivery: Delivery, *, now: datetime) -> None:
    """Give up what waits for a delivery that was given up, and tell its handlers."""
    outcome = refusal_of_follower(delivery)
    for follower in _waiting_for([delivery.pk]):
        follower.state = DeliveryState.GIVEN_UP
        follower.finished_at = now
        follower.error_code, follower.error = outcome.code, outcome.message
        follower.save(update_fields=["state", "finished_at", "error_code", "error"])
        handler_for(follower.kind).settle(follower, outcome)
        give_up_followers(follower, now=now)


def revive_followers(delivery: Delivery, *, now: datetime) -> None:
    """Let what was given up only because of this delivery wait for it once more."""
    ended_with_it = Delivery.objects.given_up().filter(
        after=delivery, error_code=PREDECESSOR_GIVEN_UP
    )
    for follower in ended_with_it.select_for_update():
        wait_afresh(follower, now=now)
        revive_followers(follower, now=now)


def wait_afresh(delivery: Delivery, *, now: datetime) -> None:
    """Back to waiting, with all its attempts before it."""
    delivery.state = DeliveryState.WAITING
    delivery.due_at = now
    delivery.attempts = delivery.fault_count = 0
    delivery.finished_at = None
    delivery.error_code = delivery.error = delivery.error_request_id = ""
    delivery.save(
        update_fields=[
            "state", "due_at", "attempts", "fault_count", "finished_at", "error_code", "error",
            "error_request_id",
        ]
    )  # fmt: skip


def refusal_of_follower(predecessor: Delivery) -> Refused:
    return Refused(
        code=PREDECESSOR_GIVEN_UP,
        message=f"Not sent, because the {predecessor.kind} before it was given up.",
    )


def _depending_on(ids: Iterable[int]) -> DeliveryQuerySet:
    ended_with_it = Q(state=DeliveryState.GIVEN_UP, error_code=PREDECESSOR_GIVEN_UP)
    followers = Delivery.objects.filter(after__in=list(ids))
    return followers.filter(Q(state=DeliveryState.WAITING) | ended_with_it).select_for_update()


def _waiting_for(ids: Iterable[int]) -> DeliveryQuerySet:
    return Delivery.objects.waiting().filter(after__in=list(ids)).select_for_update()
