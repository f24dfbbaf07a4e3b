"""A slow or dead endpoint delays the others little, whatever the size of its backlog."""

import threading
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from shortvideo.outbox.models import Delivery
from shortvideo.outbox.worker import work_once
from shortvideo.webhooks import deliveries
from shortvideo.webhooks.models import EventType
from shortvideo.webhooks.services import KIND
from tests.support.receiver import Receiver

from .support import UNREACHABLE, delivery_of, emit_event, ids, make_endpoint, work

pytestmark = pytest.mark.django_db


def test_dead_and_slow_endpoints_do_not_delay_others(
    receiver: Receiver, other: Receiver, settings: Settings
) -> None:
    settings.WEBHOOK_TIMEOUT = 2.0
    is_over = threading.Event()
    other.answer = lambda _: 200 if is_over.wait(60) else 500
    make_endpoint(other)
    make_endpoint(UNREACHABLE)
    make_endpoint(receiver)
    for number in range(10):
        emit_event(f"v{number}")
    work()
    is_over.set()
    assert len(receiver.received) == 10  # in one batch, with one call for each of the others
    assert len(other.received) == 1


def test_events_beyond_an_endpoints_turn_wait_for_the_next(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "TURN_SECONDS", 0.0)
    make_endpoint(receiver)
    events = [emit_event(f"v{number}") for number in range(3)]
    work()
    assert len(receiver.received) == 1
    waiting = [delivery_of(event) for event in events[1:]]
    assert [delivery.attempts for delivery in waiting] == [0, 0]
    assert all(delivery.due_at <= timezone.now() for delivery in waiting)
    work(2)
    assert len(receiver.received) == 3


def test_a_slow_endpoints_backlog_does_not_delay_others(
    receiver: Receiver, other: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries.WebhookHandler, "batch_size", 5)
    monkeypatch.setattr(deliveries, "TURN_SECONDS", 0.0)  # a turn is one call
    make_endpoint(other, event_types=[EventType.DECIDED])
    make_endpoint(receiver, event_types=[EventType.DELETED])
    for number in range(40):
        emit_event(f"v{number}")
    emit_event("v0", EventType.DELETED)
    for _ in range(2):
        work_once([KIND])
    assert len(receiver.received) == 1
    assert len(other.received) <= 2
    for _ in range(4):
        emit_event("v0", EventType.DELETED)
        before = len(receiver.received)
        work_once([KIND])
        assert len(receiver.received) == before + 1, "each batch sends the other event"


def test_a_slow_endpoints_backlog_is_sent_once_it_is_fast(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "TURN_SECONDS", 0.0)
    make_endpoint(receiver)
    events = [emit_event(f"v{number}") for number in range(60)]
    work_once([KIND])
    waiting = Delivery.objects.waiting()
    assert waiting.filter(due_at__lte=timezone.now()).count() == 2
    assert waiting.filter(due_at__gt=timezone.now() + timedelta(seconds=30)).count() == 57
    monkeypatch.setattr(deliveries, "TURN_SECONDS", 60.0)
    for _ in range(6):  # 2, 4, 8, 16, ... at a time
        work_once([KIND])
    assert sorted(ids(receiver.received)) == sorted(str(event.uid) for event in events)
