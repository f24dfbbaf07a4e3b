"""Short ways to make endpoints, emit events and send them."""

import itertools
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from shortvideo.outbox.models import Delivery
from shortvideo.outbox.worker import work_once
from shortvideo.webhooks.models import Dispatch, Endpoint, Event, EventType
from shortvideo.webhooks.services import KIND, emit
from shortvideo.webhooks.signing import new_secret
from tests.support.receiver import Received, Receiver

UNREACHABLE = "http://127.0.0.1:9/hooks"
_numbers = itertools.count(1)


def make_endpoint(to: Receiver | str = UNREACHABLE, **values: Any) -> Endpoint:
    """Make an endpoint that subscribes to every event type."""
    return Endpoint.objects.create(
        **{
            "name": f"Backend {next(_numbers)}",
            "url": to if isinstance(to, str) else to.url,
            "secret": new_secret(),
            "event_types": EventType.subscribable(),
            **values,
        }
    )


def emit_event(
    subject: str = "v1", event_type: EventType = EventType.DECIDED, **data: Any
) -> Event:
    """Emit an event to which at least one endpoint subscribes."""
    with transaction.atomic():
        event = emit(event_type, subject=subject, data=data)
    assert event is not None
    return event


def work(rounds: int = 1) -> None:
    """Send `rounds` batches. Before each, make all deliveries due and end all pauses."""
    for _ in range(rounds):
        make_due()
        work_once([KIND])


def make_due() -> None:
    """Make all waiting deliveries due and end all pauses."""
    Delivery.objects.waiting().update(due_at=timezone.now() - timedelta(seconds=1))
    Endpoint.objects.update(paused_until=None)


def end_pauses() -> None:
    """End the pauses, as if no more than their time had passed."""
    for endpoint in Endpoint.objects.exclude(paused_until=None):
        assert endpoint.paused_until is not None
        soon = endpoint.paused_until + timedelta(seconds=30)  # due_at may be a moment later
        due = Delivery.objects.waiting().filter(due_at__lte=soon)
        due.filter(webhook_dispatch__endpoint=endpoint).update(due_at=timezone.now())
    Endpoint.objects.update(paused_until=None)


def delivery_of(event: Event) -> Delivery:
    return Delivery.objects.get(webhook_dispatch__event=event)


def dispatch_of(event: Event) -> Dispatch:
    return event.dispatches.select_related("endpoint", "delivery", "event").get()


def ids(received: list[Received]) -> list[str]:
    return [item.body["id"] for item in received]


def numbers(received: list[Received]) -> list[tuple[str, int]]:
    """Return the video and the number (`n` in the data) of each event."""
    return [(item.body["videoId"], item.body["data"]["n"]) for item in received]
