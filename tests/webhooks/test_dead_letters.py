"""Dead letters: given-up events are kept and can be replayed."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from shortvideo.outbox import services as outbox
from shortvideo.outbox.models import Delivery, DeliveryState
from shortvideo.outbox.services import DeliveryStateError
from shortvideo.outbox.worker import work_once
from shortvideo.webhooks.models import Attempt, Dispatch, Endpoint, Event
from shortvideo.webhooks.periodic import prune_webhooks
from shortvideo.webhooks.services import KIND, EndpointIsOff, replay, replay_one, send_test
from tests.admin.conftest import DeskOf
from tests.support.receiver import Receiver

from .support import delivery_of, dispatch_of, emit_event, ids, make_endpoint, numbers, work

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _given_up_at_once(settings: Settings) -> None:
    settings.WEBHOOK_MAX_ATTEMPTS = 1


def test_a_replay_sends_the_same_event_again(receiver: Receiver) -> None:
    receiver.answer = lambda _: 500
    make_endpoint(receiver)
    event = emit_event(n=1)
    work()
    receiver.answer = lambda _: 200
    replay_one(dispatch_of(event))
    work_once([KIND])  # at once, although the endpoint was paused
    assert delivery_of(event).state == DeliveryState.DONE
    first, second = receiver.received
    assert first.content == second.content


def test_dead_letters_of_an_endpoint_are_replayed_in_order(receiver: Receiver) -> None:
    receiver.answer = lambda _: 500
    endpoint = make_endpoint(receiver)
    for n in range(3):
        emit_event("a", n=n)
        emit_event("b", n=n)
    work(12)
    assert endpoint.dispatches.dead().count() == 6
    receiver.received.clear()
    receiver.answer = lambda _: 200
    assert replay(endpoint) == 6
    work(3)
    for video in "ab":
        assert [n for subject, n in numbers(receiver.received) if subject == video] == [0, 1, 2]
    assert not endpoint.dispatches.unfinished_or_dead().exists()


def test_a_replayed_event_gets_all_its_attempts_again(
    receiver: Receiver, settings: Settings
) -> None:
    receiver.answer = lambda _: 500
    endpoint = make_endpoint(receiver)
    event = emit_event()
    work()
    settings.WEBHOOK_MAX_ATTEMPTS = 3
    replay(endpoint)
    work(4)
    assert len(receiver.received) == 4
    assert delivery_of(event).state == DeliveryState.GIVEN_UP


def test_a_delivered_event_is_not_replayed(receiver: Receiver) -> None:
    endpoint = make_endpoint(receiver)
    event = emit_event()
    work()
    with pytest.raises(DeliveryStateError, match="given up"):
        replay_one(dispatch_of(event))
    assert replay(endpoint) == 0


def test_a_failed_test_event_is_not_a_dead_letter(receiver: Receiver, desk_of: DeskOf) -> None:
    receiver.answer = lambda _: 500
    endpoint = make_endpoint(receiver)
    failed = send_test(endpoint)
    work()
    assert delivery_of(failed.event).state == DeliveryState.GIVEN_UP
    desk = desk_of("operator")
    assert "Failed webhooks" not in desk.page("inbox")
    assert replay(endpoint) == 0
    Event.objects.update(created_at=timezone.now() - timedelta(days=31))
    prune_webhooks()
    assert not Event.objects.exists(), "it is kept no longer than a delivered event"
    assert Delivery.objects.get().state == DeliveryState.SUPERSEDED
    assert "Webhooks given up" not in desk.page("inbox")
    emit_event()
    work()
    assert "Failed webhooks" in desk.page("inbox")


def test_a_delivery_without_its_event_is_given_up(receiver: Receiver) -> None:
    endpoint = make_endpoint(receiver)
    failed = send_test(endpoint)
    failed.event.delete()
    event = emit_event()
    work()
    assert ids(receiver.received) == [str(event.uid)]
    left = Delivery.objects.get(pk=failed.delivery_id)
    assert (left.state, left.error_code) == (DeliveryState.GIVEN_UP, "EventForgotten")
    prune_webhooks()
    left.refresh_from_db()
    assert left.state == DeliveryState.SUPERSEDED
    outbox.repeat(left)
    work()  # alone in its batch
    assert Delivery.objects.latest("pk").error_code == "EventForgotten"


def test_nothing_is_replayed_to_an_endpoint_that_is_off(receiver: Receiver) -> None:
    endpoint = make_endpoint(receiver)
    event = emit_event()
    Endpoint.objects.update(is_active=False)
    work()
    assert delivery_of(event).error_code == "EndpointOff"
    with pytest.raises(EndpointIsOff, match="switch it on first"):
        replay(endpoint)
    Endpoint.objects.update(is_active=True)
    assert replay(endpoint) == 1
    work()
    assert ids(receiver.received) == [str(event.uid)]


def test_pruning_keeps_young_waiting_and_given_up_events(
    receiver: Receiver, settings: Settings
) -> None:
    settings.WEBHOOK_LOG_DAYS = 30
    make_endpoint(receiver)
    done = emit_event("v1")
    work()
    young = emit_event("v1")
    work()
    receiver.answer = lambda _: 500
    dead = emit_event("v2")
    work()
    waiting = emit_event("v3")
    old = timezone.now() - timedelta(days=31)
    Event.objects.exclude(pk=young.pk).update(created_at=old)
    Attempt.objects.exclude(dispatch__event=young).update(created_at=old)
    prune_webhooks()
    assert set(Event.objects.all()) == {young, dead, waiting}
    assert Attempt.objects.get().dispatch.event == young
    assert not Dispatch.objects.filter(event=done.pk).exists()
    assert Delivery.objects.count() == 4  # the outbox keeps its own history
