"""Telling, testing, changing the secret, telling again."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from shortvideo.outbox import services as outbox

from .models import Dispatch, Endpoint, Event, EventType
from .signing import new_secret

KIND: Final = "webhook"
REPLAYED: Final = 500  # in one request

_is_silent: ContextVar[bool] = ContextVar("webhooks_are_silent", default=False)


class EndpointIsOff(ValueError):
    """Nothing is sent to an endpoint that is switched off. The text is a sentence, fit to show."""


def emit(event_type: EventType, *, subject: str, data: Mapping[str, Any]) -> Event | None:
    """Tell the endpoints that chose this type, in the transaction of what happened.

    Events of one subject (a video's id in VOD) reach an endpoint in the order in which they were
    emitted: the caller holds a lock on its own row of the subject. Returns None, and writes
    nothing, where nobody chose the type. Raises TransactionManagementError outside an atomic block.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError(
            "An event is written in the transaction of what happened: call emit() inside "
            "transaction.atomic()."
        )
    if _is_silent.get():
        return None
    endpoints = Endpoint.objects.subscribed_to(event_type)
    if not endpoints:
        return None
    event = Event.objects.create(type=event_type, subject=subject, data=dict(data))
    for endpoint in endpoints:
        dispatch(event, endpoint)
    return event


@contextmanager
def silence(*, when: bool = True) -> Iterator[None]:
    """Emit nothing inside the block: what is written there is no news."""
    token = _is_silent.set(when or _is_silent.get())
    try:
        yield
    finally:
        _is_silent.reset(token)


def dispatch(event: Event, endpoint: Endpoint) -> Dispatch:
    """Write the delivery of an event to an endpoint; one that is paused is not called before."""
    now = timezone.now()
    pause = max(endpoint.paused_until - now, timedelta()) if endpoint.paused_until else timedelta()
    is_test = event.type == EventType.PING
    delivery = outbox.send(
        KIND,
        subject=f"{endpoint.pk}:{event.subject}",
        payload={"event": str(event.uid)},
        delay_seconds=0 if is_test else pause.total_seconds(),
    )
    return Dispatch.objects.create(event=event, endpoint=endpoint, delivery=delivery)


@transaction.atomic
def send_test(endpoint: Endpoint) -> Dispatch:
    """Send a test event on the way of all events: signed, logged, but tried only once."""
    event = Event.objects.create(type=EventType.PING, data={"endpoint": endpoint.name})
    return dispatch(event, endpoint)


@transaction.atomic
def rotate_secret(endpoint: Endpoint) -> str:
    """Give the endpoint a new secret and return it; calls carry both signatures for a while."""
    endpoint = Endpoint.objects.select_for_update().get(pk=endpoint.pk)
    endpoint.previous_secret, endpoint.secret = endpoint.secret, new_secret()
    endpoint.previous_secret_until = timezone.now() + timedelta(
        seconds=settings.WEBHOOK_SECRET_GRACE
    )
    endpoint.save(update_fields=["secret", "previous_secret", "previous_secret_until"])
    return endpoint.secret


def replay(endpoint: Endpoint) -> int:
    """Send again, oldest first, up to 500 of the events that were given up; returns how many.

    Raises EndpointIsOff.
    """
    dead = endpoint.dispatches.dead().select_related("endpoint", "delivery").order_by("delivery")
    rows = list(dead[:REPLAYED])
    for row in rows:
        replay_one(row)
    return len(rows)


@transaction.atomic
def replay_one(row: Dispatch) -> None:
    """Send an event again that was given up.

    Raises EndpointIsOff, and DeliveryStateError where it was not given up.
    """
    if not row.endpoint.is_active and row.event.type != EventType.PING:
        raise EndpointIsOff(_("The endpoint is switched off: switch it on first."))
    outbox.retry(row.delivery)
    Endpoint.objects.filter(pk=row.endpoint_id).exclude(paused_until=None).update(paused_until=None)
