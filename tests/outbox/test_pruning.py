"""Finished deliveries are deleted after a time, unless a row or an operator needs them."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from shortvideo.outbox import handlers, pruning
from shortvideo.outbox.models import Delivery, DeliveryState
from shortvideo.outbox.worker import work_once
from shortvideo.pacing import Pace
from tests.factories import make_video
from videos.deliveries.review import CreateAuditHandler
from videos.models import Decision, Source
from videos.services import DecisionInput, review_video

from .support import ScriptedHandler, send

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _keep_ten_days(settings: Settings) -> None:
    settings.OUTBOX_KEEP_DAYS = 10


def _end(delivery: Delivery, state: DeliveryState, *, days_ago: float) -> Delivery:
    delivery.state, delivery.finished_at = state, timezone.now() - days_ago * DAY
    delivery.created_at = delivery.finished_at
    delivery.save()
    return delivery


def test_a_successful_delivery_is_deleted_after_its_days(handler: ScriptedHandler) -> None:
    for state in (DeliveryState.DONE, DeliveryState.SUPERSEDED):
        _end(send(), state, days_ago=11)
    young = _end(send(), DeliveryState.DONE, days_ago=9)
    pruning.prune()
    assert list(Delivery.objects.all()) == [young]


def test_a_waiting_or_given_up_delivery_stays_however_old(handler: ScriptedHandler) -> None:
    waiting = send(delay_seconds=60)
    given_up = _end(send(), DeliveryState.GIVEN_UP, days_ago=1_000)
    pruning.prune()
    assert set(Delivery.objects.all()) == {waiting, given_up}


def test_the_delivery_of_a_decision_stays_with_the_log() -> None:
    handlers.register(CreateAuditHandler())
    video = make_video(censor_status="check")
    review = review_video(video, DecisionInput(Decision.NORMAL, Source.API))
    assert review.delivery is not None
    _end(review.delivery, DeliveryState.DONE, days_ago=1_000)
    pruning.prune()
    assert Delivery.objects.filter(pk=review.delivery.pk).exists()


def test_the_follower_of_a_pruned_delivery_is_still_sent(handler: ScriptedHandler) -> None:
    first = send("v1")
    follower = send("v2", after=first)
    work_once()
    first.refresh_from_db()
    _end(first, DeliveryState.DONE, days_ago=11)
    pruning.prune()
    follower.refresh_from_db()
    assert follower.after is None
    assert list(Delivery.objects.in_turn()) == [follower]


def test_several_batches_are_deleted(
    handler: ScriptedHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "pace", Pace(most_rows=2))
    for _ in range(5):
        _end(send(), DeliveryState.DONE, days_ago=11)
    pruning.prune()
    assert not Delivery.objects.exists()
