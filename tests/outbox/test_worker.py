"""From a row to the cloud: order, batches, bad items, faults, throttling, giving up."""

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

from .support import ScriptedHandler, make_due, send

pytestmark = pytest.mark.django_db
Register = Callable[..., ScriptedHandler]


def send_many(count: int) -> list[Delivery]:
    with transaction.atomic():
        return [services.send("scripted", subject=f"v{n}") for n in range(count)]


def refuse(*bad: str) -> Callable[[Delivery], Outcome]:
    """The whole call is refused when one of these subjects is in it, as VOD does."""

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
    handler.answer = refuse("v1")
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


def test_it_is_given_up_visibly_when_faults_here_use_up_all_attempts(
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


def test_a_delivery_that_kills_its_workers_is_given_up_unsent(
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


def test_one_subject_is_sent_strictly_in_order_also_across_failures(
    handler: ScriptedHandler,
) -> None:
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


def test_a_delivery_given_up_does_not_hold_up_the_next(handler: ScriptedHandler) -> None:
    handler.answer = lambda delivery: (
        Refused("Gone", "Gone.") if delivery.payload["n"] == 1 else Done()
    )
    send(payload={"n": 1})
    second = send(payload={"n": 2})
    work_until_idle()
    second.refresh_from_db()
    assert second.state == DeliveryState.DONE


@pytest.mark.parametrize(("batch_size", "sizes"), [(100, [100, 100, 51]), (20, [20] * 12 + [11])])
def test_the_largest_batches_leave_with_every_subject_once(
    register: Register, batch_size: int, sizes: list[int]
) -> None:
    handler = register(batch_size=batch_size)
    send_many(250)
    send("v0")  # waits for the first of its subject
    assert work_until_idle() == 251
    assert [len(call) for call in handler.calls] == sizes
    assert all(len(set(call)) == len(call) for call in handler.calls)
    assert sum(call.count("v0") for call in handler.calls) == 2
    assert not Delivery.objects.open().exists()


def test_the_oldest_due_are_sent_first(register: Register) -> None:
    handler = register(batch_size=2)
    send_many(3)
    Delivery.objects.filter(subject="v2").update(due_at=timezone.now() - timedelta(hours=1))
    work_once()
    assert handler.calls == [["v2", "v0"]]


@pytest.mark.parametrize("bad", [["v0"], ["v57"], ["v99"], ["v3", "v4", "v98"]])
def test_bad_items_are_isolated_and_the_rest_goes_through(
    register: Register, bad: list[str]
) -> None:
    handler = register(batch_size=100, answer=refuse(*bad))
    send_many(100)
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
    send_many(10)
    work_once()
    assert [len(call) for call in handler.calls] == [10, 5]
    assert Delivery.objects.waiting().filter(attempts=0).count() == 10


def test_an_unavailable_cloud_is_not_asked_for_each_item(register: Register) -> None:
    def fail(_: Delivery) -> Outcome:
        raise CloudUnavailable("VOD did not answer in time.")

    handler = register(batch_size=100, answer=fail)
    send_many(100)
    work_once()
    assert len(handler.calls) == 1
    assert Delivery.objects.waiting().count() == 100


# --- faults in a handler ---


def test_a_fault_of_one_item_holds_up_no_other(
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


def test_a_handler_that_forgets_an_item_is_asked_again() -> None:
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


def throttle(retry_after: float | None = None) -> Callable[[Delivery], Outcome]:
    def answer(_: Delivery) -> Outcome:
        raise CloudUnavailable("VOD is busy.", retry_after=retry_after, throttled=True)

    return answer


def test_throttling_pauses_the_whole_kind_and_is_no_attempt(register: Register) -> None:
    busy, other = register("busy", answer=throttle(60)), register("other")
    throttled = send(kind="busy")
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
    assert throttled.due_at >= timezone.now() + timedelta(seconds=55)


def test_a_delivery_is_never_given_up_for_throttling(
    handler: ScriptedHandler, settings: Settings
) -> None:
    settings.OUTBOX_MAX_ATTEMPTS = 2
    settings.OUTBOX_BACKOFF_SECONDS = 0
    handler.answer = throttle()
    delivery = send()
    for _ in range(6):
        make_due()
        assert work_once() == 1
    delivery.refresh_from_db()
    assert (delivery.state, delivery.claim_count) == (DeliveryState.WAITING, 6)


def test_pauses_grow_while_throttling_lasts_and_end_with_a_success(
    handler: ScriptedHandler,
) -> None:
    handler.answer = throttle()
    send()
    for count in (1, 2, 3):
        Lane.objects.update(paused_until=timezone.now())
        make_due()
        work_once()
        lane = Lane.objects.get()
        pause = lane.paused_until - timezone.now() if lane.paused_until else timedelta(0)
        assert lane.throttled_count == count
        assert timedelta(0) < pause <= timedelta(seconds=2 ** (count - 1))
    handler.answer = lambda _: Done()
    Lane.objects.update(paused_until=timezone.now())
    make_due()
    work_once()
    lane.refresh_from_db()
    assert (lane.throttled_count, lane.paused_until, lane.reason) == (0, None, "")


def test_a_batch_that_was_under_way_does_not_lengthen_the_pause() -> None:
    now = timezone.now()
    until = lanes.pause("busy", reason="Busy.", at_least_seconds=60, now=now)
    assert lanes.pause("busy", reason="Busy.", at_least_seconds=30, now=now) == until
    lanes.reset_backoff("busy", now=now)  # a call that had begun before went through
    lane = Lane.objects.get()
    assert (lane.paused_until, lane.throttled_count) == (until, 1)


# --- work_until_idle ---


def test_until_idle_waits_for_the_backoff(handler: ScriptedHandler, settings: Settings) -> None:
    settings.OUTBOX_BACKOFF_SECONDS = 0.05
    handler.answer = lambda delivery: Again("No answer.") if delivery.attempts < 3 else Done()
    delivery = send()
    assert work_until_idle() == 3
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.DONE


def test_until_idle_leaves_what_is_due_later(handler: ScriptedHandler) -> None:
    later = send(delay_seconds=3600)
    send()  # behind it
    send("v2")
    assert work_until_idle(0.5) == 1
    assert later in Delivery.objects.waiting()


def test_until_idle_says_what_is_still_open(handler: ScriptedHandler) -> None:
    send()
    claim("scripted", limit=1, now=timezone.now())  # in the hands of another worker
    with pytest.raises(TimeoutError, match=r"Still open after 0\.1 seconds: 1 deliveries\."):
        work_until_idle(0.1)


def test_only_the_kinds_asked_for_are_sent(register: Register) -> None:
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
