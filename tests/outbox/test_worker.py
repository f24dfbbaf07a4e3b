"""From a row to the cloud: order, batches, refused items, faults, throttling, giving up."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings

from shortvideo.cloud.errors import CloudRejected, CloudUnavailable
from shortvideo.outbox import lanes, services
from shortvideo.outbox.handlers import Again, Done, Handler, Outcome, Refused, register
from shortvideo.outbox.leases import claim
from shortvideo.outbox.models import Delivery, DeliveryState, Lane
from shortvideo.outbox.worker import due_kinds, work_once, work_until_idle

from .support import LONGEST_WAIT_SECONDS, ScriptedHandler, make_due, send

pytestmark = pytest.mark.django_db
Register = Callable[..., ScriptedHandler]


def _send_many(count: int) -> list[Delivery]:
    with transaction.atomic():
        return [services.send("scripted", subject=f"v{n}") for n in range(count)]


def _refuse(*bad: str) -> Callable[[Delivery], Outcome]:
    """Refuse the whole call where it has one of these subjects, as VOD does."""

    def answer(delivery: Delivery) -> Outcome:
        if delivery.subject in bad:
            raise CloudRejected(
                "VOD refused the call.", code="InvalidVideo.NotFound", request_id="request-1"
            )
        return Done()

    return answer


# --- outcomes ---


def test_a_delivery_that_is_done_keeps_its_result(handler: ScriptedHandler) -> None:
    handler.answer = lambda delivery: Done({"task": delivery.payload["n"]})
    delivery = send(payload={"n": 7})
    assert work_once() == 1
    delivery.refresh_from_db()
    assert (delivery.state, delivery.result) == (DeliveryState.DONE, {"task": 7})
    assert delivery.finished_at is not None
    assert (delivery.lease_token, delivery.lease_until) == (None, None)
    assert [settled.state for settled in handler.settled] == [DeliveryState.DONE]
    assert work_once() == 0


def test_a_refusal_is_given_up_with_code_and_request_id(handler: ScriptedHandler) -> None:
    handler.answer = _refuse("v1")
    delivery = send()
    work_once()
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.GIVEN_UP
    assert delivery.error_code == "InvalidVideo.NotFound"
    assert delivery.error == "VOD refused the call."
    assert delivery.error_request_id == "request-1"
    assert delivery in Delivery.objects.given_up().for_subject("v1")
    assert len(handler.calls) == 1


def test_an_unavailable_cloud_is_tried_again_within_the_backoff(handler: ScriptedHandler) -> None:
    def fail(_: Delivery) -> Outcome:
        raise CloudUnavailable("VOD did not answer in time.")

    handler.answer = fail
    delivery = send()
    for attempt, ceiling in ((1, 1), (2, 2), (3, 4)):
        make_due()
        assert work_once() == 1
        delivery.refresh_from_db()
        assert (delivery.state, delivery.attempts) == (DeliveryState.WAITING, attempt)
        assert delivery.error == "VOD did not answer in time."
        assert delivery.due_at <= timezone.now() + timedelta(seconds=ceiling)
    assert [settled.state for settled in handler.settled] == [DeliveryState.WAITING] * 3
    handler.answer = lambda _: Done()
    make_due()
    work_once()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.error) == (DeliveryState.DONE, "")


def test_a_named_delay_is_kept(handler: ScriptedHandler) -> None:
    handler.answer = lambda _: Again("It is not ready.", delay_seconds=600)
    delivery = send()
    before = timezone.now()
    work_once()
    delivery.refresh_from_db()
    assert timedelta(seconds=600) <= delivery.due_at - before
    assert work_once() == 0


def test_a_delivery_is_given_up_after_too_many_faults(
    handler: ScriptedHandler, settings: Settings
) -> None:
    settings.OUTBOX_MAX_ATTEMPTS = 3
    handler.answer = lambda _: Again("It fails.", is_fault=True)
    delivery = send()
    for _ in range(5):
        make_due()
        work_once()
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.GIVEN_UP
    assert delivery.error_code == "AttemptsExhausted"
    assert delivery.error == "Given up after 3 attempts: It fails."
    assert len(handler.calls) == 3
    assert isinstance(handler.settled[-1].outcome, Refused)


def test_a_delivery_that_kills_its_workers_is_given_up(
    handler: ScriptedHandler, settings: Settings
) -> None:
    settings.OUTBOX_MAX_ATTEMPTS = 3
    delivery = send()
    Delivery.objects.update(fault_count=3)
    work_once()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.error_code) == (DeliveryState.GIVEN_UP, "WorkerLost")
    assert not handler.calls
    assert handler.settled


# --- order and batches ---


def test_a_subject_is_sent_in_order_even_after_failures(handler: ScriptedHandler) -> None:
    first, second = send(payload={"n": 1}), send(payload={"n": 2})
    sent: list[int] = []

    def fail_at_first(delivery: Delivery) -> Outcome:
        sent.append(delivery.payload["n"])
        return Again("No answer.", delay_seconds=60) if len(sent) == 1 else Done()

    handler.answer = fail_at_first
    assert [work_once(), work_once()] == [1, 0]
    Delivery.objects.filter(pk=first.pk).update(due_at=timezone.now())
    assert [work_once(), work_once(), work_once()] == [1, 1, 0]
    assert sent == [1, 1, 2]
    second.refresh_from_db()
    assert second.state == DeliveryState.DONE


def test_a_delivery_that_is_given_up_does_not_block_the_next(handler: ScriptedHandler) -> None:
    handler.answer = lambda delivery: (
        Refused("Gone", "Gone.") if delivery.payload["n"] == 1 else Done()
    )
    send(payload={"n": 1})
    second = send(payload={"n": 2})
    work_until_idle(LONGEST_WAIT_SECONDS)
    second.refresh_from_db()
    assert second.state == DeliveryState.DONE


@pytest.mark.parametrize(("batch_size", "sizes"), [(100, [100, 100, 51]), (20, [20] * 12 + [11])])
def test_a_full_batch_has_each_subject_once(
    register: Register, batch_size: int, sizes: list[int]
) -> None:
    handler = register(batch_size=batch_size)
    _send_many(250)
    send("v0")  # waits for the first delivery of its subject
    assert work_until_idle(LONGEST_WAIT_SECONDS) == 251
    assert [len(call) for call in handler.calls] == sizes
    assert all(len(set(call)) == len(call) for call in handler.calls)
    assert sum(call.count("v0") for call in handler.calls) == 2
    assert not Delivery.objects.open().exists()


def test_the_oldest_due_are_sent_first(register: Register) -> None:
    handler = register(batch_size=2)
    _send_many(3)
    Delivery.objects.filter(subject="v2").update(due_at=timezone.now() - timedelta(hours=1))
    work_once()
    assert handler.calls == [["v2", "v0"]]


@pytest.mark.parametrize("bad", [["v0"], ["v57"], ["v99"], ["v3", "v4", "v98"]])
def test_refused_items_are_isolated_and_the_others_are_sent(
    register: Register, bad: list[str]
) -> None:
    handler = register(batch_size=100, answer=_refuse(*bad))
    _send_many(100)
    assert work_once() == 100
    given_up = Delivery.objects.given_up().order_by("id").values_list("subject", flat=True)
    assert list(given_up) == bad
    assert Delivery.objects.done().count() == 100 - len(bad)
    assert len(handler.calls) <= 2 * 8 * len(bad)  # halved, not tried one by one


def test_a_throttled_half_leaves_the_other_half_unsent(register: Register) -> None:
    def answer(delivery: Delivery) -> Outcome:
        if len(handler.calls) == 1:
            raise CloudRejected("VOD refused the call.", code="Bad")
        raise CloudUnavailable("VOD is busy.", throttled=True)

    handler = register(batch_size=10, answer=answer)
    _send_many(10)
    work_once()
    assert [len(call) for call in handler.calls] == [10, 5]
    assert Delivery.objects.waiting().filter(attempts=0).count() == 10


def test_an_unavailable_cloud_is_not_called_for_each_item(register: Register) -> None:
    def fail(_: Delivery) -> Outcome:
        raise CloudUnavailable("VOD did not answer in time.")

    handler = register(batch_size=100, answer=fail)
    _send_many(100)
    work_once()
    assert len(handler.calls) == 1
    assert Delivery.objects.waiting().count() == 100


# --- faults in a handler ---


def test_a_fault_of_one_item_delays_no_other(
    register: Register, caplog: pytest.LogCaptureFixture
) -> None:
    def answer(delivery: Delivery) -> Outcome:
        return Done({"name": delivery.payload["name"]})

    register(batch_size=10, answer=answer)
    bad = send("v0", payload={})
    good = send("v1", payload={"name": "x"})
    work_once()
    bad.refresh_from_db()
    good.refresh_from_db()
    assert good.state == DeliveryState.DONE
    assert bad.state == DeliveryState.WAITING
    assert "fault in this program" in bad.error
    assert "KeyError" in caplog.text


def test_an_item_without_an_outcome_is_tried_again() -> None:
    class Forgetful(Handler):
        kind = "scripted"

        def deliver(self, batch: object) -> dict[int, Outcome]:
            return {}

    register(Forgetful())
    delivery = send()
    work_once()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == (DeliveryState.WAITING, 1)


@pytest.mark.django_db(transaction=True)
def test_what_settle_wrote_is_rolled_back_when_it_fails(
    handler: ScriptedHandler, caplog: pytest.LogCaptureFixture
) -> None:
    def write_and_fail(_: Delivery) -> None:
        Lane.objects.create(kind="written by settle")
        raise RuntimeError("settle is broken")

    handler.on_settle = write_and_fail
    delivery = send()
    work_once()
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == (DeliveryState.WAITING, 1)
    assert "could not be recorded" in delivery.error
    assert not Lane.objects.filter(kind="written by settle").exists()
    assert "settle is broken" in caplog.text


# --- lanes ---


def _throttle(retry_after: float | None = None) -> Callable[[Delivery], Outcome]:
    def answer(_: Delivery) -> Outcome:
        raise CloudUnavailable("VOD is busy.", retry_after=retry_after, throttled=True)

    return answer


def test_throttling_pauses_the_whole_kind_and_is_no_attempt(register: Register) -> None:
    busy, other = register("busy", answer=_throttle(3600)), register("other")
    throttled, before = send(kind="busy"), timezone.now()
    work_once()
    send("v2", kind="busy")
    send("v2", kind="other")
    assert due_kinds() == ["other"]
    work_once()
    assert (busy.calls, other.calls) == ([["v1"]], [["v2"]])
    throttled.refresh_from_db()
    assert (throttled.state, throttled.attempts) == (DeliveryState.WAITING, 0)
    lane = Lane.objects.get(kind="busy")
    assert lane.reason == "VOD is busy."
    assert throttled.due_at == lane.paused_until
    assert throttled.due_at >= before + timedelta(hours=1)


def test_a_delivery_is_never_given_up_for_throttling(
    handler: ScriptedHandler, settings: Settings
) -> None:
    settings.OUTBOX_MAX_ATTEMPTS = 2
    settings.OUTBOX_BACKOFF_SECONDS = 0
    handler.answer = _throttle()
    delivery = send()
    for _ in range(6):
        make_due()
        assert work_once() == 1
    delivery.refresh_from_db()
    assert (delivery.state, delivery.claim_count) == (DeliveryState.WAITING, 6)


def test_pauses_grow_with_throttling_and_end_with_a_success(handler: ScriptedHandler) -> None:
    handler.answer = _throttle()
    send()
    for count in (1, 2, 3):
        Lane.objects.update(paused_until=timezone.now())
        make_due()
        before = timezone.now()
        work_once()
        lane = Lane.objects.get()
        assert lane.throttled_count == count
        assert lane.paused_until is not None
        longest = timedelta(seconds=2 ** (count - 1))
        assert before < lane.paused_until <= timezone.now() + longest
    handler.answer = lambda _: Done()
    Lane.objects.update(paused_until=timezone.now())
    make_due()
    work_once()
    lane.refresh_from_db()
    assert (lane.throttled_count, lane.paused_until, lane.reason) == (0, None, "")


def test_a_batch_that_began_earlier_does_not_lengthen_the_pause() -> None:
    now = timezone.now()
    until = lanes.pause("busy", reason="Busy.", at_least_seconds=60, now=now)
    assert lanes.pause("busy", reason="Busy.", at_least_seconds=30, now=now) == until
    lanes.reset_backoff("busy", now=now)  # an earlier call ends without throttling
    lane = Lane.objects.get()
    assert (lane.paused_until, lane.throttled_count) == (until, 1)


# --- work_until_idle ---


def test_until_idle_waits_for_the_backoff(handler: ScriptedHandler, settings: Settings) -> None:
    settings.OUTBOX_BACKOFF_SECONDS = 0.05
    handler.answer = lambda delivery: Again("No answer.") if delivery.attempts < 3 else Done()
    delivery = send()
    assert work_until_idle(LONGEST_WAIT_SECONDS) == 3
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.DONE


def test_until_idle_leaves_deliveries_that_are_due_later(handler: ScriptedHandler) -> None:
    later = send(delay_seconds=3600)
    send()  # after it, about the same subject
    send("v2")
    assert work_until_idle(0.5) == 1
    assert later in Delivery.objects.waiting()


def test_until_idle_counts_the_open_deliveries(
    handler: ScriptedHandler, settings: Settings
) -> None:
    settings.OUTBOX_LEASE_SECONDS = 3600
    send()
    claim("scripted", limit=1, now=timezone.now())  # by another worker
    with pytest.raises(TimeoutError, match=r"Still open after 0\.1 seconds: 1 deliveries\."):
        work_until_idle(0.1)


def test_only_the_given_kinds_are_sent(register: Register) -> None:
    register("one")
    two = register("two")
    send(kind="one")
    send(kind="two")
    assert work_once(["one"]) == 1
    assert not two.calls


def test_an_idle_look_costs_one_query_for_deliveries(
    handler: ScriptedHandler, django_assert_num_queries: Callable[[int], object]
) -> None:
    work_once(["scripted"])  # enters the lane
    with django_assert_num_queries(1):  # type: ignore[attr-defined]  # a context manager
        assert work_once(["scripted"]) == 0
