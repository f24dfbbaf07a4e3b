"""What happens when an app's own rows cannot be written, or change while they are waited for."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection, connections
from pytest_django import Settings

from shortvideo.outbox import services
from shortvideo.outbox.handlers import Again, Done, Outcome, Refused, Superseded
from shortvideo.outbox.models import Delivery, DeliveryState
from shortvideo.outbox.worker import due_kinds, work_once, work_until_idle

from .support import ScriptedHandler, make_due, send

pytestmark = pytest.mark.django_db

Register = Callable[..., ScriptedHandler]


def fail(_: Delivery) -> None:
    raise RuntimeError("settle is broken")


def fail_unless_given_up(delivery: Delivery) -> None:
    if delivery.state != DeliveryState.GIVEN_UP:
        fail(delivery)


def try_often(delivery: Delivery, settings: Settings) -> Delivery:
    for _ in range(settings.OUTBOX_MAX_ATTEMPTS):
        make_due()
        assert work_once() == 1
    delivery.refresh_from_db()
    return delivery


def test_a_handler_whose_settle_failed_too_often_is_told_that_it_was_given_up(
    handler: ScriptedHandler, settings: Settings
) -> None:
    settings.OUTBOX_MAX_ATTEMPTS = 3
    handler.on_settle = fail_unless_given_up
    delivery = try_often(send(), settings)
    assert (delivery.state, delivery.error_code) == (DeliveryState.GIVEN_UP, "AttemptsExhausted")
    assert [type(told.outcome) for told in handler.settled] == [Refused]
    assert not delivery.is_refused, "it may be in the cloud"


def test_what_no_row_of_an_app_could_record_needs_an_operator_whatever_its_kind(
    handler: ScriptedHandler, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.OUTBOX_MAX_ATTEMPTS = 2
    handler.on_settle = fail
    delivery = try_often(send(), settings)
    assert (delivery.state, delivery.error_code) == (DeliveryState.GIVEN_UP, "NotRecorded")
    assert not delivery.is_refused
    assert delivery in Delivery.objects.needing_attention(shown_elsewhere=["scripted"])
    assert "An end could not be settled" in caplog.text


def test_a_follower_that_cannot_be_told_keeps_nothing_from_ending(
    register: Register, settings: Settings
) -> None:
    settings.OUTBOX_MAX_ATTEMPTS = 2
    register("audit", answer=lambda _: Refused("Forbidden", "No."))
    register("purge").on_settle = fail
    audit = send(kind="audit")
    purge = send(kind="purge", after=audit)
    audit = try_often(audit, settings)
    purge.refresh_from_db()
    assert (audit.state, purge.state) == (DeliveryState.GIVEN_UP, DeliveryState.GIVEN_UP)
    assert purge.error_code == "PredecessorGivenUp", "a retry of the first brings it back"


def test_what_only_waited_for_another_is_seen_to_with_that_one(register: Register) -> None:
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
def test_a_newer_one_that_is_committed_while_settle_waits_replaces_what_failed(
    register: Register, outcome: Outcome
) -> None:
    handler = register("audit", supersede_attempted=True, answer=lambda _: outcome)
    older = send(kind="audit")

    def decide_anew(delivery: Delivery) -> None:
        """As an operator whose lock on the video `settle` waits for."""
        if delivery.pk == older.pk and delivery.state != DeliveryState.SUPERSEDED:
            operator = threading.Thread(target=send_and_leave)
            operator.start()
            operator.join()

    def send_and_leave() -> None:
        try:
            send(kind="audit", supersede=True)
        finally:
            connections.close_all()

    handler.on_settle = decide_anew
    work_once()
    older.refresh_from_db()
    assert older.state == DeliveryState.SUPERSEDED
    assert type(handler.settled[-1].outcome) is Superseded
    assert Delivery.objects.waiting().count() == 1


# --- What waits for another


def is_held(delivery: Delivery) -> bool:
    delivery.refresh_from_db()
    return delivery.is_held


def test_what_waits_for_another_is_held_until_that_one_is_done(register: Register) -> None:
    register("audit")
    purges = register("purge")
    audit = send(kind="audit")
    purge = send(kind="purge", after=audit)
    check = send("v1-check", kind="purge", after=purge)
    assert (is_held(purge), is_held(check)) == (True, True)
    work_once(["audit"])
    assert (is_held(purge), is_held(check)) == (False, True)
    work_once(["purge"])
    work_once(["purge"])
    assert purges.calls == [["v1"], ["v1-check"]]


def test_a_retry_of_the_first_holds_what_it_brings_back(register: Register) -> None:
    audits, purges = (
        register("audit", answer=lambda _: Refused("Forbidden", "No.")),
        register("purge"),
    )
    audit = send(kind="audit")
    purge = send(kind="purge", after=audit)
    check = send("v1-check", kind="purge", after=purge)
    work_once()
    services.retry(audit)
    assert (is_held(audit), is_held(purge), is_held(check)) == (False, True, True)
    assert audit.retry_count == 1
    audits.answer = lambda _: Done()
    work_until_idle()
    assert purges.calls == [["v1"], ["v1-check"]]


def test_what_follows_one_under_way_is_not_held_and_still_waits(register: Register) -> None:
    purges = register("purge")
    waited: list[Delivery] = []

    def send_follower(delivery: Delivery) -> Outcome:
        waited.append(send(kind="purge", after=delivery))
        assert work_once(["purge"]) == 0
        return Done()

    register("audit", answer=send_follower)
    send(kind="audit")
    work_once(["audit"])
    assert not is_held(waited[0])
    work_until_idle()
    assert purges.calls == [["v1"]]


def test_what_follows_one_that_is_done_is_sent_at_once(register: Register) -> None:
    register("audit")
    purges = register("purge")
    audit = send(kind="audit")
    work_once()
    send(kind="purge", after=audit)
    assert due_kinds() == ["purge"]
    work_once()
    assert purges.calls == [["v1"]]
