"""Rows that are leased by workers which die, freeze or are slow."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import Settings

from shortvideo.outbox.handlers import Done, Outcome
from shortvideo.outbox.leases import Heartbeat, claim, lock_held
from shortvideo.outbox.models import Delivery, DeliveryState, Lane
from shortvideo.outbox.services import DeliveryStateError
from shortvideo.outbox.services import cancel as cancel_delivery
from shortvideo.outbox.worker import send_batch, work_once
from tests.support.localvod import wait_until

from .support import LONGEST_WAIT_SECONDS, ScriptedHandler, another_worker, let_leases_end, send

pytestmark = pytest.mark.django_db(transaction=True)
Register = Callable[..., ScriptedHandler]


class Gate:
    """Holds the first worker inside `deliver`; the others pass."""

    def __init__(self) -> None:
        self.is_reached, self.is_open = threading.Event(), threading.Event()
        self._first = threading.Lock()

    def answer(self, _: Delivery) -> Outcome:
        if self._first.acquire(blocking=False):
            self.is_reached.set()
            assert self.is_open.wait(LONGEST_WAIT_SECONDS)
            return Done({"by": "the slow one"})
        return Done({"by": "the quick one"})


def test_a_leased_row_is_taken_by_no_other_worker(handler: ScriptedHandler) -> None:
    gate = Gate()
    handler.answer = gate.answer
    send()
    send()  # behind it
    with another_worker(work_once):
        assert gate.is_reached.wait(LONGEST_WAIT_SECONDS)
        assert work_once() == 0
        gate.is_open.set()
    assert len(handler.calls) == 1


@pytest.mark.usefixtures("without_heartbeat")
def test_a_frozen_worker_writes_nothing_once_overtaken(
    handler: ScriptedHandler, caplog: pytest.LogCaptureFixture
) -> None:
    gate = Gate()
    handler.answer = gate.answer

    def settle(row: Delivery) -> None:
        Lane.objects.create(kind=row.result["by"])

    handler.on_settle = settle
    delivery = send()
    with another_worker(work_once):
        assert gate.is_reached.wait(LONGEST_WAIT_SECONDS)
        let_leases_end()
        assert work_once() == 1
        gate.is_open.set()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.result) == (DeliveryState.DONE, {"by": "the quick one"})
    assert (delivery.attempts, delivery.claim_count, delivery.broken_lease_count) == (2, 2, 1)
    assert [lane.kind for lane in Lane.objects.filter(kind__startswith="the ")] == ["the quick one"]
    assert "The lease was lost" in caplog.text


@pytest.mark.usefixtures("without_heartbeat")
def test_a_frozen_worker_writes_nothing_during_the_takeover(handler: ScriptedHandler) -> None:
    delivery = send()
    gate = Gate()
    handler.answer = gate.answer
    with another_worker(work_once):
        assert gate.is_reached.wait(LONGEST_WAIT_SECONDS)
        let_leases_end()
        (taken_over,) = claim("scripted", limit=1, now=timezone.now())
        gate.is_open.set()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.lease_token) == (DeliveryState.LEASED, taken_over.lease_token)
    assert handler.settled == []


@pytest.mark.usefixtures("without_heartbeat")
def test_a_lease_that_ended_but_was_not_taken_still_finishes(handler: ScriptedHandler) -> None:
    gate = Gate()
    handler.answer = gate.answer
    delivery = send()
    with another_worker(work_once):
        assert gate.is_reached.wait(LONGEST_WAIT_SECONDS)
        let_leases_end()
        gate.is_open.set()
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.DONE


def test_the_row_of_a_dead_worker_keeps_its_attempts(handler: ScriptedHandler) -> None:
    delivery = send()
    (claimed,) = claim("scripted", limit=1, now=timezone.now())
    assert not claimed.may_have_been_sent
    assert work_once() == 0
    let_leases_end()
    seen: list[bool] = []

    def answer(row: Delivery) -> Outcome:
        seen.append(row.may_have_been_sent)
        return Done()

    handler.answer = answer
    assert work_once() == 1
    delivery.refresh_from_db()
    assert seen == [True]
    assert (delivery.attempts, delivery.broken_lease_count) == (2, 1)
    assert delivery.first_attempt_at == claimed.first_attempt_at


@pytest.mark.usefixtures("quick_heartbeat")
def test_the_heartbeat_keeps_a_slow_delivery(handler: ScriptedHandler) -> None:
    gate = Gate()
    handler.answer = gate.answer
    delivery = send()
    with another_worker(work_once):
        assert gate.is_reached.wait(LONGEST_WAIT_SECONDS)
        for _ in range(2):
            let_leases_end()
            wait_until(lambda: not Delivery.objects.due(timezone.now()).exists())
            assert work_once() == 0
        gate.is_open.set()
    delivery.refresh_from_db()
    assert (delivery.result, delivery.broken_lease_count) == ({"by": "the slow one"}, 0)


def test_a_heartbeat_comes_three_times_a_lease(settings: Settings) -> None:
    settings.OUTBOX_LEASE_SECONDS = 6
    heartbeat = Heartbeat(lambda: None)
    waits: list[float | None] = []

    class Stopped(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout)
            return len(waits) > 3

    heartbeat._stopped = Stopped()
    with heartbeat:
        pass
    assert waits[:3] == [2, 2, 2]


def test_concurrent_workers_share_the_rows_without_overlap(register: Register) -> None:
    handler = register(batch_size=3)
    for number in range(60):
        send(f"v{number % 20}", payload={"n": number})
    order: list[tuple[str, int]] = []

    def answer(row: Delivery) -> Outcome:
        order.append((row.subject, row.payload["n"]))
        return Done()

    handler.answer = answer
    start = threading.Barrier(4)

    def drain() -> None:
        start.wait(LONGEST_WAIT_SECONDS)
        while Delivery.objects.open().exists():
            send_batch("scripted")

    with another_worker(drain), another_worker(drain), another_worker(drain):
        start.wait(LONGEST_WAIT_SECONDS)
    assert sorted(number for _, number in order) == list(range(60))
    for subject in {subject for subject, _ in order}:
        numbers = [number for name, number in order if name == subject]
        assert numbers == sorted(numbers)


def test_a_locked_row_is_skipped_on_postgresql(register: Register) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite locks the whole database, not a row.")
    handler = register(batch_size=10)
    first = send("v1")
    send("v2")
    with transaction.atomic():
        Delivery.objects.select_for_update().get(pk=first.pk)
        with another_worker(lambda: send_batch("scripted")):
            pass
    assert handler.calls == [["v2"]]


def test_cancel_does_not_wait_for_a_finishing_worker(handler: ScriptedHandler) -> None:
    """The worker may wait for a row that the caller of cancel() has locked."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite locks the whole database, not a row.")
    delivery = send("v1")
    [held] = claim("scripted", limit=1, now=timezone.now())

    def cancel() -> None:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL lock_timeout = '5s'")
            with pytest.raises(DeliveryStateError, match="leased after 1 attempts"):
                cancel_delivery(delivery)

    with transaction.atomic():
        lock_held(held, held.lease_token)
        with another_worker(cancel):
            pass
