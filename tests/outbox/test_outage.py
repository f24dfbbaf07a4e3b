"""However long the cloud is away, nothing is given up for it; only faults of our own count."""

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from shortvideo.cloud.errors import CloudUnavailable
from shortvideo.outbox import services
from shortvideo.outbox.handlers import Again, Done, Outcome, Refused
from shortvideo.outbox.leases import claim
from shortvideo.outbox.models import Delivery, DeliveryState
from shortvideo.outbox.worker import work_once

from .support import ScriptedHandler, let_leases_end, make_due, send

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _few_attempts(settings: Settings) -> None:
    settings.OUTBOX_MAX_ATTEMPTS = 2


def work(rounds: int) -> None:
    for _ in range(rounds):
        make_due()
        work_once()


def unavailable(_: Delivery) -> Outcome:
    raise CloudUnavailable("VOD did not answer.", retry_after=60)


def faulty(_: Delivery) -> Outcome:
    raise KeyError("a fault of ours")


def test_an_outage_uses_up_no_attempt_and_shows_as_waiting(handler: ScriptedHandler) -> None:
    handler.answer = unavailable
    delivery = send()
    work(6)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == (DeliveryState.WAITING, 6)
    assert delivery.error == "VOD did not answer."
    handler.answer = lambda _: Done()
    work(1)
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.DONE


def test_what_a_handler_asks_for_again_is_never_given_up(handler: ScriptedHandler) -> None:
    handler.answer = lambda _: Again("VOD did not answer.")
    delivery = send()
    work(6)
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.WAITING


def test_faults_count_only_in_a_row(handler: ScriptedHandler) -> None:
    delivery = send()
    for answer in (faulty, unavailable, faulty, unavailable):
        handler.answer = answer
        work(1)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.fault_count) == (DeliveryState.WAITING, 0)
    handler.answer = faulty
    work(2)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.error_code) == (DeliveryState.GIVEN_UP, "AttemptsExhausted")


def test_a_worker_that_dies_after_an_outage_has_not_died_too_often(
    handler: ScriptedHandler,
) -> None:
    handler.answer = unavailable
    delivery = send()
    work(6)
    make_due()
    assert claim("scripted", limit=1, now=timezone.now())
    let_leases_end()
    handler.answer = lambda _: Done()
    work_once()
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.DONE


@pytest.mark.parametrize(
    ("answer", "is_refused"),
    [(lambda _: Refused("Forbidden", "No."), True), (faulty, False)],
    ids=["refused by the cloud", "a fault of ours"],
)
def test_only_the_clouds_refusal_counts_as_one(
    handler: ScriptedHandler, answer: object, *, is_refused: bool
) -> None:
    handler.answer = answer  # type: ignore[assignment]  # a parameter of the test
    delivery = send()
    work(2)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.is_refused) == (DeliveryState.GIVEN_UP, is_refused)


def test_a_retry_has_all_attempts_before_it(handler: ScriptedHandler) -> None:
    handler.answer = faulty
    delivery = send()
    work(2)
    services.retry(delivery)
    work(1)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.fault_count) == (DeliveryState.WAITING, 1)
