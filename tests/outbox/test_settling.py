"""When an app's rows cannot be written, or change while `settle` waits for their lock."""

from collections.abc import Callable

import pytest
from django.db import connection
from pytest_django import Settings

from shortvideo.outbox import services
from shortvideo.outbox.handlers import Again, Done, Outcome, Refused, Superseded
from shortvideo.outbox.models import Delivery, DeliveryState
from shortvideo.outbox.worker import due_kinds, work_once, work_until_idle

from .support import ScriptedHandler, another_worker, make_due, send

pytestmark = pytest.mark.django_db

Register = Callable[..., ScriptedHandler]


def _fail(_: Delivery) -> None:
    raise RuntimeError("settle is broken")


def _fail_unless_given_up(delivery: Delivery) -> None:
    if delivery.state != DeliveryState.GIVEN_UP:
        _fail(delivery)


def _try_often(delivery: Delivery, settings: Settings) -> Delivery:
    for _ in range(settings.OUTBOX_MAX_ATTEMPTS):
        make_due()
        assert work_once() == 1
    delivery.refresh_from_db()
    return delivery


def test_a_failing_settle_is_called_again_at_the_end(
    handler: ScriptedHandler, settings: Settings
) -> None:
    settings.OUTBOX_MAX_ATTEMPTS = 3
    handler.on_settle = _fail_unless_given_up
    delivery = _try_often(send(), settings)
    assert (delivery.state, delivery.error_code) == (DeliveryState.GIVEN_UP, "AttemptsExhausted")
    assert [type(told.outcome) for told in handler.settled] == [Refused]
    assert not delivery.is_refused, "the call may have been executed"


def test_an_unrecorded_end_needs_attention_whatever_its_kind(
    handler: ScriptedHandler, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.OUTBOX_MAX_ATTEMPTS = 2
    handler.on_settle = _fail
    delivery = _try_often(send(), settings)
    assert (delivery.state, delivery.error_code) == (DeliveryState.GIVEN_UP, "NotRecorded")
    assert not delivery.is_refused
    assert delivery in Delivery.objects.needing_attention(shown_elsewhere=["scripted"])
    assert "An end could not be settled" in caplog.text


def test_a_follower_whose_settle_fails_ends_nevertheless(
    register: Register, settings: Settings
) -> None:
    settings.OUTBOX_MAX_ATTEMPTS = 2
    register("audit", answer=lambda _: Refused("Forbidden", "No."))
    register("purge").on_settle = _fail
    audit = send(kind="audit")
    purge = send(kind="purge", after=audit)
    audit = _try_often(audit, settings)
    purge.refresh_from_db()
    assert (audit.state, purge.state) == (DeliveryState.GIVEN_UP, DeliveryState.GIVEN_UP)
    assert purge.error_code == "PredecessorGivenUp", "a retry of the audit sends it too"


def test_followers_are_not_counted_in_the_inbox_separately(register: Register) -> None:
    register("audit", answer=lambda _: Refused("Forbidden", "No."))
    register("purge")
    audit = send(kind="audit")
    send(kind="purge", after=audit)
    work_once()
    assert Delivery.objects.given_up().count() == 2
    assert list(Delivery.objects.needing_attention(shown_elsewhere=[])) == [audit]
    assert not Delivery.objects.needing_attention(shown_elsewhere=["audit"]).exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has one writer at a time")
@pytest.mark.parametrize("outcome", [Refused("Forbidden", "No."), Again("VOD is away.")])
def test_a_newer_delivery_replaces_a_failed_one_during_settle(
    register: Register, outcome: Outcome
) -> None:
    handler = register("audit", supersede_attempted=True, answer=lambda _: outcome)
    older = send(kind="audit")

    def decide_anew(delivery: Delivery) -> None:
        """Decide as an operator does who holds the lock that `settle` waits for."""
        if delivery.pk == older.pk and delivery.state != DeliveryState.SUPERSEDED:
            with another_worker(lambda: send(kind="audit", supersede=True)):
                pass

    handler.on_settle = decide_anew
    work_once()
    older.refresh_from_db()
    assert older.state == DeliveryState.SUPERSEDED
    assert type(handler.settled[-1].outcome) is Superseded
    assert Delivery.objects.waiting().count() == 1


# --- Followers


def _is_held(delivery: Delivery) -> bool:
    delivery.refresh_from_db()
    return delivery.is_held


def test_a_follower_is_held_until_its_predecessor_is_done(register: Register) -> None:
    register("audit")
    purges = register("purge")
    audit = send(kind="audit")
    purge = send(kind="purge", after=audit)
    check = send("v1-check", kind="purge", after=purge)
    assert (_is_held(purge), _is_held(check)) == (True, True)
    work_once(["audit"])
    assert (_is_held(purge), _is_held(check)) == (False, True)
    work_once(["purge"])
    work_once(["purge"])
    assert purges.calls == [["v1"], ["v1-check"]]


def test_a_retry_of_a_predecessor_holds_its_followers(register: Register) -> None:
    audits, purges = (
        register("audit", answer=lambda _: Refused("Forbidden", "No.")),
        register("purge"),
    )
    audit = send(kind="audit")
    purge = send(kind="purge", after=audit)
    check = send("v1-check", kind="purge", after=purge)
    work_once()
    services.retry(audit)
    assert (_is_held(audit), _is_held(purge), _is_held(check)) == (False, True, True)
    assert audit.retry_count == 1
    audits.answer = lambda _: Done()
    work_until_idle()
    assert purges.calls == [["v1"], ["v1-check"]]


def test_a_follower_of_a_leased_delivery_waits_without_hold(register: Register) -> None:
    purges = register("purge")
    waited: list[Delivery] = []

    def send_follower(delivery: Delivery) -> Outcome:
        waited.append(send(kind="purge", after=delivery))
        assert work_once(["purge"]) == 0
        return Done()

    register("audit", answer=send_follower)
    send(kind="audit")
    work_once(["audit"])
    assert not _is_held(waited[0])
    work_until_idle()
    assert purges.calls == [["v1"]]


def test_a_follower_of_a_done_delivery_is_sent_at_once(register: Register) -> None:
    register("audit")
    purges = register("purge")
    audit = send(kind="audit")
    work_once()
    send(kind="purge", after=audit)
    assert due_kinds() == ["purge"]
    work_once()
    assert purges.calls == [["v1"]]
