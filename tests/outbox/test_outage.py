"""Deliveries outlast an outage of the cloud, however long; only faults of ours count."""

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


def _work(rounds: int) -> None:
    for _ in range(rounds):
        make_due()
        work_once()


def _unavailable(_: Delivery) -> Outcome:
    raise CloudUnavailable("VOD did not answer.", retry_after=3600)


def _faulty(_: Delivery) -> Outcome:
    raise KeyError("a fault of ours")


def test_an_outage_uses_up_no_attempt_and_shows_as_waiting(handler: ScriptedHandler) -> None:
    handler.answer = _unavailable
    delivery = send()
    _work(6)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == (DeliveryState.WAITING, 6)
    assert delivery.error == "VOD did not answer."
    handler.answer = lambda _: Done()
    _work(1)
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.DONE


def test_a_delivery_with_outcome_again_is_never_given_up(handler: ScriptedHandler) -> None:
    handler.answer = lambda _: Again("VOD did not answer.")
    delivery = send()
    _work(6)
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.WAITING


def test_only_consecutive_faults_count(handler: ScriptedHandler) -> None:
    delivery = send()
    for answer in (_faulty, _unavailable, _faulty, _unavailable):
        handler.answer = answer
        _work(1)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.fault_count) == (DeliveryState.WAITING, 0)
    handler.answer = _faulty
    _work(2)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.error_code) == (DeliveryState.GIVEN_UP, "AttemptsExhausted")


def test_a_worker_may_die_once_after_a_long_outage(
    handler: ScriptedHandler,
) -> None:
    handler.answer = _unavailable
    delivery = send()
    _work(6)
    make_due()
    assert claim("scripted", limit=1, now=timezone.now())
    let_leases_end()
    handler.answer = lambda _: Done()
    work_once()
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.DONE


@pytest.mark.parametrize(
    ("answer", "is_refused"),
    [(lambda _: Refused("Forbidden", "No."), True), (_faulty, False)],
    ids=["refused by the cloud", "a fault of ours"],
)
def test_only_a_refusal_of_the_cloud_counts_as_refused(
    handler: ScriptedHandler, answer: object, *, is_refused: bool
) -> None:
    handler.answer = answer  # type: ignore[assignment]  # a parameter of the test
    delivery = send()
    _work(2)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.is_refused) == (DeliveryState.GIVEN_UP, is_refused)


def test_a_retry_has_all_its_attempts(handler: ScriptedHandler) -> None:
    handler.answer = _faulty
    delivery = send()
    _work(2)
    services.retry(delivery)
    _work(1)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.fault_count) == (DeliveryState.WAITING, 1)
