"""An endpoint that is slow or dead costs the others little, however much waits for it."""

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

from .support import NOBODY_LISTENS, delivery_of, ids, make_endpoint, tell, work

pytestmark = pytest.mark.django_db


def test_a_dead_endpoint_and_a_slow_one_hold_up_no_other(
    receiver: Receiver, other: Receiver, settings: Settings
) -> None:
    settings.WEBHOOK_TIMEOUT = 2.0
    is_over = threading.Event()
    other.answer = lambda _: 200 if is_over.wait(60) else 500
    make_endpoint(other)
    make_endpoint(NOBODY_LISTENS)
    make_endpoint(receiver)
    for number in range(10):
        tell(f"v{number}")
    work()
    is_over.set()
    assert len(receiver.received) == 10  # in the batch in which the others had one call each
    assert len(other.received) == 1


def test_a_slow_endpoint_has_its_turn_and_then_the_others_theirs(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "TURN_SECONDS", 0.0)
    make_endpoint(receiver)
    events = [tell(f"v{number}") for number in range(3)]
    work()
    assert len(receiver.received) == 1
    waiting = [delivery_of(event) for event in events[1:]]
    assert [delivery.attempts for delivery in waiting] == [0, 0]
    assert all(delivery.due_at <= timezone.now() for delivery in waiting)
    work(2)
    assert len(receiver.received) == 3


def test_a_slow_endpoint_that_accepts_holds_up_no_other_however_long_its_backlog_is(
    receiver: Receiver, other: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries.WebhookHandler, "batch_size", 5)
    monkeypatch.setattr(deliveries, "TURN_SECONDS", 0.0)  # one call, and its turn is over
    make_endpoint(other, event_types=[EventType.DECIDED])
    make_endpoint(receiver, event_types=[EventType.DELETED])
    for number in range(40):
        tell(f"v{number}")
    tell("v0", EventType.DELETED)
    for _ in range(2):
        work_once([KIND])
    assert len(receiver.received) == 1
    assert len(other.received) <= 2
    for _ in range(4):
        tell("v0", EventType.DELETED)
        before = len(receiver.received)
        work_once([KIND])
        assert len(receiver.received) == before + 1, "and so it goes on"


def test_what_was_set_aside_for_a_slow_endpoint_follows_as_fast_as_it_takes_it(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "TURN_SECONDS", 0.0)
    make_endpoint(receiver)
    events = [tell(f"v{number}") for number in range(60)]
    work_once([KIND])
    waiting = Delivery.objects.waiting()
    assert waiting.filter(due_at__lte=timezone.now()).count() == 2
    assert waiting.filter(due_at__gt=timezone.now() + timedelta(seconds=30)).count() == 57
    monkeypatch.setattr(deliveries, "TURN_SECONDS", 60.0)
    for _ in range(6):  # 2, 4, 8, 16, ... at a time
        work_once([KIND])
    assert sorted(ids(receiver.received)) == sorted(str(event.uid) for event in events)
