"""Writing, cancelling, retrying and superseding deliveries."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from shortvideo.outbox import handlers, services
from shortvideo.outbox.handlers import Again, Done, Refused
from shortvideo.outbox.models import Delivery, DeliveryState
from shortvideo.outbox.worker import work_once

from .support import ScriptedHandler, make_due, send

pytestmark = pytest.mark.django_db
Register = Callable[..., ScriptedHandler]

REFUSED = Refused("InvalidVideo.NotFound", "The video does not exist.", "request-1")


def _state_of(delivery: Delivery) -> str:
    return Delivery.objects.get(pk=delivery.pk).state


@pytest.mark.django_db(transaction=True)
def test_a_delivery_is_refused_outside_a_transaction(handler: ScriptedHandler) -> None:
    with pytest.raises(
        transaction.TransactionManagementError,
        match="A delivery is written in the transaction of its decision",
    ):
        services.send("scripted", subject="v1")
    assert not Delivery.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_delivery_is_rolled_back_with_its_decision(handler: ScriptedHandler) -> None:
    with transaction.atomic():
        services.send("scripted", subject="v1")
        transaction.set_rollback(True)
    assert not Delivery.objects.exists()


def test_an_unknown_kind_is_refused_by_name(handler: ScriptedHandler) -> None:
    with pytest.raises(LookupError, match=r"No handler.*'scriptd'; registered: scripted"):
        send(kind="scriptd")


def test_a_kind_has_one_handler(handler: ScriptedHandler) -> None:
    class Other(handlers.Handler):
        kind = "scripted"

    with pytest.raises(ValueError, match="has a handler already: ScriptedHandler"):
        handlers.register(Other())


def test_a_delayed_delivery_is_not_sent_before_its_time(handler: ScriptedHandler) -> None:
    before = timezone.now()
    delivery = send(delay_seconds=60, payload={"status": "Blocked"})
    assert delivery.due_at - before >= timedelta(seconds=60)
    assert delivery.payload == {"status": "Blocked"}
    assert work_once() == 0
    make_due()
    assert work_once() == 1
    assert handler.calls == [["v1"]]


# --- superseding ---


def test_a_newer_delivery_supersedes_the_unsent_older_one(handler: ScriptedHandler) -> None:
    older, other = send(delay_seconds=3600), send("v2", delay_seconds=3600)
    newer = send(supersede=True)
    assert _state_of(older) == DeliveryState.SUPERSEDED
    assert _state_of(other) == DeliveryState.WAITING
    assert work_once() == 1
    assert _state_of(newer) == DeliveryState.DONE
    assert handler.calls == [["v1"]]


def test_without_supersede_both_are_sent_in_order(handler: ScriptedHandler) -> None:
    older, newer = send(), send()
    work_once()
    assert (_state_of(older), _state_of(newer)) == (DeliveryState.DONE, DeliveryState.WAITING)
    work_once()
    assert _state_of(newer) == DeliveryState.DONE


def test_an_attempted_delivery_is_kept_by_default(handler: ScriptedHandler) -> None:
    handler.answer = lambda _: Again("No answer.", delay_seconds=3600)
    older = send()
    work_once()
    send(supersede=True)
    assert _state_of(older) == DeliveryState.WAITING


def test_an_attempted_delivery_is_superseded_if_the_kind_allows(register: Register) -> None:
    register(supersede_attempted=True, answer=lambda _: Again("No answer.", delay_seconds=3600))
    older = send()
    work_once()
    send(supersede=True)
    assert _state_of(older) == DeliveryState.SUPERSEDED


def test_a_failing_delivery_is_superseded_by_a_newer_one(register: Register) -> None:
    newer: list[Delivery] = []

    def fail_while_a_newer_one_comes(delivery: Delivery) -> Again | Done:
        if newer:
            return Done()
        newer.append(send(supersede=True))
        return Again("No answer.")

    handler = register(supersede_attempted=True, answer=fail_while_a_newer_one_comes)
    older = send()
    work_once()
    assert _state_of(older) == DeliveryState.SUPERSEDED
    assert handler.settled[0].state == DeliveryState.SUPERSEDED
    work_once()
    assert _state_of(newer[0]) == DeliveryState.DONE


def test_a_newer_delivery_supersedes_one_that_was_given_up(handler: ScriptedHandler) -> None:
    handler.answer = lambda _: REFUSED
    older = send()
    follower = send(kind="scripted", subject="v1-files", after=older)
    work_once()
    assert _state_of(follower) == DeliveryState.GIVEN_UP
    send(supersede=True)
    assert _state_of(older) == _state_of(follower) == DeliveryState.SUPERSEDED
    with pytest.raises(services.DeliveryStateError, match="it is superseded"):
        services.retry(older)


# --- one after another ---


def test_a_follower_waits_until_its_predecessor_is_done(register: Register) -> None:
    first, second = register("audit"), register("purge")
    audit = send(kind="audit", delay_seconds=3600)
    purge = send(kind="purge", after=audit)
    assert work_once() == 0
    make_due()
    work_once(["audit"])
    work_once(["purge"])
    assert _state_of(purge) == DeliveryState.DONE
    assert (len(first.calls), len(second.calls)) == (1, 1)


def test_a_predecessor_given_up_gives_up_all_that_follow(register: Register) -> None:
    register("audit", answer=lambda _: REFUSED)
    purging = register("purge")
    audit = send(kind="audit")
    purge = send(kind="purge", after=audit)
    check = send("v1-check", kind="purge", after=purge)
    work_once()
    for follower, before in ((purge, "audit"), (check, "purge")):
        follower.refresh_from_db()
        assert follower.state == DeliveryState.GIVEN_UP
        assert follower.error_code == "PredecessorGivenUp"
        assert follower.error == f"Not sent, because the {before} before it was given up."
        assert follower.finished_at is not None
    assert not purging.calls
    assert [settled.state for settled in purging.settled] == [DeliveryState.GIVEN_UP] * 2


def test_a_superseded_predecessor_supersedes_all_that_follow(register: Register) -> None:
    register("audit")
    register("purge")
    audit = send(kind="audit", delay_seconds=3600)
    purge = send(kind="purge", after=audit)
    check = send("v1-check", kind="purge", after=purge)
    send(kind="audit", supersede=True)
    assert _state_of(purge) == _state_of(check) == DeliveryState.SUPERSEDED


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Done(), DeliveryState.WAITING),
        (REFUSED, DeliveryState.GIVEN_UP),
    ],
)
def test_a_late_follower_ends_like_its_predecessor(
    register: Register, answer: Done | Refused, expected: str
) -> None:
    register("audit", answer=lambda _: answer)
    register("purge")
    audit = send(kind="audit")
    work_once()
    assert _state_of(send(kind="purge", after=audit)) == expected


def test_a_follower_of_a_cancelled_delivery_is_not_sent(register: Register) -> None:
    register("audit")
    audit = services.cancel(send(kind="audit"))
    late = send(kind="audit", subject="v2", after=audit)
    assert late.state == DeliveryState.SUPERSEDED
    assert late.finished_at is not None


# --- cancel and retry ---


def test_cancel_supersedes_an_unsent_delivery(handler: ScriptedHandler) -> None:
    delivery = send(delay_seconds=3600)
    follower = send("v2", after=delivery)
    assert services.cancel(delivery).state == DeliveryState.SUPERSEDED
    assert _state_of(follower) == DeliveryState.SUPERSEDED
    make_due()
    assert work_once() == 0
    assert not handler.calls


def test_cancel_refuses_a_delivery_that_was_tried(handler: ScriptedHandler) -> None:
    handler.answer = lambda _: Again("No answer.", delay_seconds=3600)
    delivery = send()
    work_once()
    with pytest.raises(services.DeliveryStateError, match=r"never tried.*waiting after 1 attempts"):
        services.cancel(delivery)
    assert _state_of(delivery) == DeliveryState.WAITING


def test_retry_sends_a_given_up_delivery_and_its_followers(register: Register) -> None:
    audits = register("audit", answer=lambda _: REFUSED)
    register("purge")
    audit = send(kind="audit")
    purge = send(kind="purge", after=audit)
    work_once()
    with pytest.raises(
        services.DeliveryStateError, match=r"predecessor \(audit\), which is given_up"
    ):
        services.retry(purge)
    audits.answer = lambda _: Done()
    retried = services.retry(audit)
    assert (retried.state, retried.attempts, retried.error) == (DeliveryState.WAITING, 0, "")
    work_once(["audit"])
    work_once(["purge"])
    assert _state_of(audit) == _state_of(purge) == DeliveryState.DONE


@pytest.mark.parametrize("is_sent", [True, False])
def test_retry_refuses_a_delivery_that_was_not_given_up(
    handler: ScriptedHandler, *, is_sent: bool
) -> None:
    delivery = send()
    if is_sent:
        work_once()
    with pytest.raises(services.DeliveryStateError, match="Only a delivery that was given up"):
        services.retry(delivery)
