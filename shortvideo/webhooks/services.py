"""Emit events, send test events, rotate secrets, replay dead letters."""

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
_REPLAY_LIMIT: Final = 500  # in one request

_is_silent: ContextVar[bool] = ContextVar("webhooks_are_silent", default=False)


class EndpointIsOff(ValueError):
    """The endpoint is switched off. str() is one sentence, safe to show."""


def emit(event_type: EventType, *, subject: str, data: Mapping[str, Any]) -> Event | None:
    """Write an event for the endpoints that chose this type, in the transaction of its cause.

    Events of one subject (a video's id in VOD) reach an endpoint in the order of emission, which
    the caller fixes by a lock on its own row of the subject. Returns None and writes nothing if no
    endpoint chose the type. Raises TransactionManagementError outside an atomic block.
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
        _dispatch(event, endpoint)
    return event


@contextmanager
def silence(*, when: bool = True) -> Iterator[None]:
    """Emit no events inside the block."""
    token = _is_silent.set(when or _is_silent.get())
    try:
        yield
    finally:
        _is_silent.reset(token)


def _dispatch(event: Event, endpoint: Endpoint) -> Dispatch:
    """Write the delivery of an event to an endpoint, due after the endpoint's pause."""
    delay_seconds = 0.0
    if endpoint.paused_until is not None and event.type != EventType.PING:
        delay_seconds = max(0.0, (endpoint.paused_until - timezone.now()).total_seconds())
    delivery = outbox.send(
        KIND,
        subject=f"{endpoint.pk}:{event.subject}",
        payload={"event": str(event.uid)},
        delay_seconds=delay_seconds,
    )
    return Dispatch.objects.create(event=event, endpoint=endpoint, delivery=delivery)


@transaction.atomic
def send_test(endpoint: Endpoint) -> Dispatch:
    """Send a signed and logged test event, which is tried only once."""
    event = Event.objects.create(type=EventType.PING, data={"endpoint": endpoint.name})
    return _dispatch(event, endpoint)


@transaction.atomic
def rotate_secret(endpoint: Endpoint) -> str:
    """Set and return a new secret; calls carry both signatures for WEBHOOK_SECRET_GRACE."""
    endpoint = Endpoint.objects.select_for_update().get(pk=endpoint.pk)
    endpoint.previous_secret, endpoint.secret = endpoint.secret, new_secret()
    endpoint.previous_secret_until = timezone.now() + timedelta(
        seconds=settings.WEBHOOK_SECRET_GRACE
    )
    endpoint.save(update_fields=["secret", "previous_secret", "previous_secret_until"])
    return endpoint.secret


def replay(endpoint: Endpoint) -> int:
    """Send up to 500 dead letters of an endpoint again, oldest first; returns how many.

    Raises EndpointIsOff.
    """
    dead = endpoint.dispatches.dead().select_related("endpoint", "delivery").order_by("delivery")
    rows = list(dead[:_REPLAY_LIMIT])
    for row in rows:
        replay_one(row)
    return len(rows)


@transaction.atomic
def replay_one(row: Dispatch) -> None:
    """Send a dead letter again.

    Raises EndpointIsOff, and DeliveryStateError if the delivery was not given up.
    """
    if not row.endpoint.is_active and row.event.type != EventType.PING:
        raise EndpointIsOff(_("The endpoint is switched off: switch it on first."))
    outbox.retry(row.delivery)
    Endpoint.objects.filter(pk=row.endpoint_id).exclude(paused_until=None).update(paused_until=None)
