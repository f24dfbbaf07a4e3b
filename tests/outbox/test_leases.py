"""Rows in the hands of workers that die, freeze, or are slow."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone
from pytest_django import Settings

from shortvideo.outbox.handlers import Done, Outcome
from shortvideo.outbox.leases import claim, lock_held
from shortvideo.outbox.models import Delivery, DeliveryState, Lane
from shortvideo.outbox.services import DeliveryStateError
from shortvideo.outbox.services import cancel as cancel_delivery
from shortvideo.outbox.worker import send_batch, work_once

from .support import ScriptedHandler, let_leases_end, send

pytestmark = pytest.mark.django_db(transaction=True)
Register = Callable[..., ScriptedHandler]
LONGEST_WAIT_SECONDS = 20


@contextmanager
def another_worker(work: Callable[[], object]) -> Iterator[None]:
    """Runs `work` in a thread with a connection of its own; its errors are the test's."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised again in the test
            errors.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        thread.join(LONGEST_WAIT_SECONDS)
    assert not thread.is_alive()
    if errors:
        raise errors[0]


class Gate:
    """Holds the first worker that comes to it inside `deliver`; lets the others pass."""

    def __init__(self) -> None:
        self.is_reached, self.is_open = threading.Event(), threading.Event()
        self._first = threading.Lock()

    def answer(self, _: Delivery) -> Outcome:
        if self._first.acquire(blocking=False):
            self.is_reached.set()
            assert self.is_open.wait(LONGEST_WAIT_SECONDS)
            return Done({"by": "the slow one"})
        return Done({"by": "the quick one"})


def test_what_one_worker_holds_no_other_takes(handler: ScriptedHandler) -> None:
    gate = Gate()
    handler.answer = gate.answer
    send()
    send()  # behind it
    with another_worker(work_once):
        assert gate.is_reached.wait(LONGEST_WAIT_SECONDS)
        assert work_once() == 0
        gate.is_open.set()
    assert len(handler.calls) == 1


def test_a_worker_that_froze_writes_nothing_after_another_took_over(
    handler: ScriptedHandler, caplog: pytest.LogCaptureFixture, settings: Settings
) -> None:
    settings.OUTBOX_LEASE_SECONDS = 3600  # no beat of the heart: this worker is frozen
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


def test_a_frozen_worker_writes_nothing_while_the_other_is_still_at_it(
    handler: ScriptedHandler,
) -> None:
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


def test_a_dead_workers_row_is_taken_again_and_its_attempts_are_kept(
    handler: ScriptedHandler,
) -> None:
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


def test_the_heartbeat_keeps_a_slow_delivery(handler: ScriptedHandler, settings: Settings) -> None:
    settings.OUTBOX_LEASE_SECONDS = 0.3
    gate = Gate()
    handler.answer = gate.answer
    delivery = send()
    with another_worker(work_once):
        assert gate.is_reached.wait(LONGEST_WAIT_SECONDS)
        leases = {Delivery.objects.get().lease_until}
        while len(leases) < 4:  # three beats are longer than a lease
            assert work_once() == 0
            leases.add(Delivery.objects.get().lease_until)
        gate.is_open.set()
    delivery.refresh_from_db()
    assert (delivery.result, delivery.broken_lease_count) == ({"by": "the slow one"}, 0)


def test_workers_at_the_same_time_share_the_rows_without_overlap(register: Register) -> None:
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


def test_a_locked_row_is_passed_over_on_postgresql(register: Register) -> None:
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


def test_cancel_waits_for_no_worker_that_is_finishing(handler: ScriptedHandler) -> None:
    """Such a worker may wait for a row that the caller of cancel() holds."""
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
