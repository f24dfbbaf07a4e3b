"""HTTP calls of endpoints: their content, and what follows a failure."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from shortvideo.outbox.models import Delivery, DeliveryState
from shortvideo.outbox.worker import work_once
from shortvideo.webhooks import deliveries, scheduling
from shortvideo.webhooks.models import Attempt, Endpoint
from shortvideo.webhooks.scheduling import postpone
from shortvideo.webhooks.services import KIND, send_test
from shortvideo.webhooks.signing import signature
from tests.support.receiver import Received, Receiver

from .support import (
    UNREACHABLE,
    delivery_of,
    emit_event,
    end_pauses,
    ids,
    make_endpoint,
    numbers,
    work,
)

pytestmark = pytest.mark.django_db


def state_of(delivery: Delivery) -> tuple[str, str, str]:
    return delivery.state, delivery.error_code, delivery.error


@contextmanager
def drip(first: bytes) -> Iterator[str]:
    """Serve `first`, then a byte every 50 ms for at most 20 s. Yields the server's URL."""
    stopped = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(first)
                for _ in range(400):
                    if stopped.wait(0.05):
                        return
                    try:
                        connection.sendall(b"x")
                    except OSError:
                        return

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        stopped.set()
        thread.join()


def test_a_call_carries_the_event_its_id_and_a_signature(receiver: Receiver) -> None:
    endpoint = make_endpoint(receiver)
    event = emit_event("v1", n=1)
    work()
    [received] = receiver.received
    headers = received.headers
    assert received.body == {
        "id": str(event.uid),
        "type": "video.decided",
        "sequence": event.pk,
        "createdAt": event.as_json()["createdAt"],
        "videoId": "v1",
        "data": {"n": 1},
    }
    assert headers["content-type"] == "application/json"
    assert headers["user-agent"].startswith("ShortVideoConsole-Webhooks/")
    assert headers["x-console-event-id"] == str(event.uid)
    assert headers["x-console-event-type"] == "video.decided"
    timestamp = int(headers["x-console-timestamp"])
    assert abs(timestamp - time.time()) < 60
    expected = signature(received.content, timestamp=timestamp, key=endpoint.secret)
    assert headers["x-console-signature"] == f"v1={expected}"


def test_a_successful_call_is_logged_and_shown(receiver: Receiver) -> None:
    endpoint = make_endpoint(receiver)
    event = emit_event()
    work()
    assert state_of(delivery_of(event)) == (DeliveryState.DONE, "", "")
    attempt = Attempt.objects.get()
    assert (attempt.dispatch.event, attempt.status, attempt.error) == (event, 200, "")
    endpoint.refresh_from_db()
    assert endpoint.last_success_at is not None
    assert endpoint.last_failure_at is None


@pytest.mark.parametrize("status", [201, 204])
def test_every_2xx_status_accepts_the_event(receiver: Receiver, status: int) -> None:
    receiver.answer = lambda _: status
    make_endpoint(receiver)
    event = emit_event()
    work()
    assert delivery_of(event).state == DeliveryState.DONE


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (500, "It answered 500."),
        (404, "It answered 404."),
        (302, "It answered 302; redirects are not followed."),
    ],
)
def test_any_other_status_is_retried(receiver: Receiver, status: int, sentence: str) -> None:
    receiver.answer = lambda _: status
    endpoint = make_endpoint(receiver)
    event = emit_event()
    work()
    delivery = delivery_of(event)
    assert state_of(delivery) == (DeliveryState.WAITING, "", sentence)
    assert delivery.due_at > delivery.created_at + timedelta(seconds=2)
    endpoint.refresh_from_db()
    assert (endpoint.failure_count, endpoint.last_error) == (1, sentence)
    receiver.answer = lambda _: 200
    work()
    assert delivery_of(event).state == DeliveryState.DONE
    assert len(set(ids(receiver.received))) == 1
    assert len(receiver.received) == 2
    assert [attempt.number for attempt in Attempt.objects.order_by("pk")] == [1, 2]


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    answer = f"HTTP/1.1 307 Over there\r\nLocation: {receiver.url}\r\nContent-Length: 0\r\n\r\n"
    with drip(answer.encode()) as url:
        make_endpoint(url)
        event = emit_event()
        work()
    assert receiver.received == []
    assert delivery_of(event).error == "It answered 307; redirects are not followed."


def test_an_unreachable_endpoint_is_retried() -> None:
    make_endpoint(UNREACHABLE)
    event = emit_event()
    work()
    delivery = delivery_of(event)
    assert state_of(delivery) == (DeliveryState.WAITING, "", "The connection failed.")


@pytest.mark.parametrize(
    "first",
    [b"", b"HTTP/1.1 ", b"HTTP/1.1 200 OK\r\nX-Drip: "],
    ids=["status line", "middle of the status line", "headers"],
)
def test_a_dripping_answer_ends_at_the_deadline(first: bytes, settings: Settings) -> None:
    settings.WEBHOOK_TIMEOUT = 0.5
    with drip(first) as url:
        make_endpoint(url)
        event = emit_event()
        work()
    assert delivery_of(event).state == DeliveryState.WAITING
    assert delivery_of(event).error == "No answer within 0.5 seconds."
    assert Attempt.objects.get().milliseconds < 5_000


@pytest.mark.parametrize("length", [10, 10_000_000])
def test_a_call_does_not_wait_for_the_answers_body(length: int, settings: Settings) -> None:
    settings.WEBHOOK_TIMEOUT = 2.0
    with drip(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length) as url:
        make_endpoint(url)
        event = emit_event()
        work()
    assert delivery_of(event).state == DeliveryState.DONE


def test_an_event_is_given_up_after_the_last_attempt(
    receiver: Receiver, settings: Settings
) -> None:
    settings.WEBHOOK_MAX_ATTEMPTS = 3
    receiver.answer = lambda _: 503
    make_endpoint(receiver)
    event = emit_event()
    work(5)
    delivery = delivery_of(event)
    assert state_of(delivery) == (
        DeliveryState.GIVEN_UP,
        "AttemptsExhausted",
        "Given up after 3 attempts: It answered 503.",
    )
    assert len(receiver.received) == 3
    assert event.dispatches.dead().count() == 1


def test_events_of_a_video_keep_their_order_after_failures(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduling, "FIRST_RETRY_SECONDS", 600.0)
    refused = [("a", 0), ("a", 0), ("b", 1), ("a", 2)]

    def answer(item: Received) -> int:
        number = (item.body["videoId"], item.body["data"]["n"])
        if number not in refused:
            return 200
        refused.remove(number)
        return 500

    receiver.answer = answer
    make_endpoint(receiver)
    for n in range(3):
        emit_event("a", n=n)
        emit_event("b", n=n)
    for _ in range(4):  # a failed event waits longer than its endpoint's pause
        work_once([KIND])
        end_pauses()
    assert numbers(receiver.received) == [("a", 0), ("b", 0), ("b", 1)]
    work(6)
    assert refused == []
    assert [n for video, n in numbers(receiver.received) if video == "a"] == [0, 0, 0, 1, 2, 2]
    assert [n for video, n in numbers(receiver.received) if video == "b"] == [0, 1, 1, 2]
    assert not Delivery.objects.open().exists()


def test_a_dead_letter_does_not_delay_later_events(receiver: Receiver, settings: Settings) -> None:
    settings.WEBHOOK_MAX_ATTEMPTS = 2
    receiver.answer = lambda item: 500 if item.body["data"]["n"] == 1 else 200
    make_endpoint(receiver)
    first, second = emit_event("v1", n=1), emit_event("v1", n=2)
    work(3)
    assert delivery_of(first).state == DeliveryState.GIVEN_UP
    assert delivery_of(second).state == DeliveryState.DONE


def test_a_failure_pauses_the_endpoints_other_events(receiver: Receiver) -> None:
    receiver.answer = lambda _: 500
    endpoint = make_endpoint(receiver)
    events = [emit_event(f"v{number}") for number in range(4)]
    work()
    assert len(receiver.received) == 1
    assert [delivery_of(event).attempts for event in events] == [1, 0, 0, 0]
    endpoint.refresh_from_db()
    assert endpoint.paused_until is not None
    later = emit_event("v9")
    for event in [*events[1:], later]:
        assert delivery_of(event).due_at >= endpoint.paused_until - timedelta(seconds=1)


def test_events_beyond_the_batch_wait_for_the_pause_too(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries.WebhookHandler, "batch_size", 2)
    receiver.answer = lambda _: 500
    endpoint = make_endpoint(receiver)
    events = [emit_event(f"v{number}") for number in range(5)]
    work()
    endpoint.refresh_from_db()
    assert endpoint.paused_until is not None
    assert all(delivery_of(event).due_at >= endpoint.paused_until for event in events)


def test_one_refused_event_does_not_stop_the_others(receiver: Receiver) -> None:
    receiver.answer = lambda item: 500 if item.body["videoId"] == "poison" else 200
    endpoint = make_endpoint(receiver)
    poison, good = emit_event("poison"), emit_event("v1")
    work()
    endpoint.refresh_from_db()
    assert endpoint.paused_until is not None
    assert delivery_of(poison).due_at > endpoint.paused_until
    assert endpoint.paused_until <= timezone.now() + timedelta(seconds=2)
    Delivery.objects.filter(pk=delivery_of(poison).pk).update(
        due_at=timezone.now() + timedelta(hours=1)  # even on a slow machine
    )
    end_pauses()
    work_once([KIND])
    assert delivery_of(good).state == DeliveryState.DONE


def test_a_success_after_an_outage_makes_waiting_events_due(receiver: Receiver) -> None:
    endpoint = make_endpoint(receiver)
    waiting = [emit_event(f"v{number}") for number in range(3)]
    Delivery.objects.update(due_at=timezone.now() + timedelta(hours=1))
    Endpoint.objects.update(failure_count=scheduling.OUTAGE_FAILURES)
    emit_event("v9")
    work_once([KIND])
    assert len(receiver.received) == 1
    assert all(delivery_of(event).due_at <= timezone.now() for event in waiting)
    endpoint.refresh_from_db()
    assert endpoint.failure_count == 0


def test_an_endpoint_that_answers_410_is_switched_off(receiver: Receiver) -> None:
    receiver.answer = lambda _: 410
    endpoint = make_endpoint(receiver)
    events = [emit_event("v1"), emit_event("v2"), emit_event("v1")]
    work(2)
    endpoint.refresh_from_db()
    assert (endpoint.is_active, endpoint.switched_off_reason) == (False, "It answered 410 Gone.")
    assert len(receiver.received) == 1
    codes = [delivery_of(event).error_code for event in events]
    assert codes == ["Gone", "EndpointOff", "EndpointOff"]
    with pytest.raises(AssertionError):
        emit_event("v1")  # no endpoint subscribes any more


def test_a_test_event_is_sent_like_others_but_tried_once(receiver: Receiver) -> None:
    endpoint = make_endpoint(receiver, event_types=[], is_active=False)
    passed = send_test(endpoint)
    work()
    [received] = receiver.received
    assert received.body["type"] == received.headers["x-console-event-type"] == "ping"
    assert received.body["videoId"] == ""
    assert Attempt.objects.get().dispatch == passed
    receiver.answer = lambda _: 500
    failed = send_test(endpoint)
    work(2)
    assert len(receiver.received) == 2
    assert delivery_of(failed.event).state == DeliveryState.GIVEN_UP


def test_a_test_event_does_not_wait_for_failing_events(receiver: Receiver) -> None:
    receiver.answer = lambda item: 200 if item.body["type"] == "ping" else 500
    endpoint = make_endpoint(receiver)
    event = emit_event()
    test = send_test(endpoint)
    postpone(endpoint, timezone.now() + timedelta(hours=1))
    assert delivery_of(event).due_at > timezone.now() + timedelta(minutes=50)
    assert delivery_of(test.event).due_at <= timezone.now()
    work()  # both in one batch, and the event fails
    assert [item.body["type"] for item in receiver.received] == ["ping", "video.decided"]
    assert delivery_of(test.event).state == DeliveryState.DONE


def test_a_test_event_does_not_wait_for_a_pause(receiver: Receiver) -> None:
    until = timezone.now() + timedelta(minutes=1)
    endpoint = make_endpoint(receiver, paused_until=until, failure_count=9)
    send_test(endpoint)
    work_once([KIND])
    assert len(receiver.received) == 1
    endpoint.refresh_from_db()
    assert (endpoint.paused_until, endpoint.failure_count) == (None, 0)


def test_the_environments_proxy_is_not_used(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", UNREACHABLE)
    make_endpoint(receiver)
    emit_event()
    work()
    assert len(receiver.received) == 1
