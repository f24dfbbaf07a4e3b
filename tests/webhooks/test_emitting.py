"""Emitting events: their rows belong to the change's transaction; no subscriber means no rows."""

from typing import Any

import pytest
from django.db import transaction

from shortvideo.outbox.models import Delivery
from shortvideo.webhooks.models import Dispatch, Event, EventType
from shortvideo.webhooks.services import emit, silence

from .support import emit_event, make_endpoint

pytestmark = pytest.mark.django_db


def test_an_event_without_subscribers_needs_one_query(django_assert_num_queries: Any) -> None:
    make_endpoint(is_active=False)
    make_endpoint(event_types=[EventType.DELETED])
    with transaction.atomic(), django_assert_num_queries(1):
        assert emit(EventType.DECIDED, subject="v1", data={}) is None
    assert not Event.objects.exists()
    assert not Delivery.objects.exists()


def test_each_subscribed_endpoint_gets_its_own_delivery() -> None:
    subscribed = [make_endpoint(), make_endpoint(event_types=[EventType.DECIDED])]
    make_endpoint(event_types=[EventType.TRANSCODED])
    event = emit_event("v1", EventType.DECIDED)
    assert [row.endpoint for row in event.dispatches.order_by("pk")] == subscribed
    subjects = set(Delivery.objects.values_list("kind", "subject"))
    assert subjects == {("webhook", f"{endpoint.pk}:v1") for endpoint in subscribed}


def test_a_rolled_back_change_emits_no_event() -> None:
    make_endpoint()
    with transaction.atomic():
        emit_event("v1")
        transaction.set_rollback(True)
    assert not Event.objects.exists()
    assert not Dispatch.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_event_outside_a_transaction_is_refused() -> None:
    with pytest.raises(transaction.TransactionManagementError, match="emit"):
        emit(EventType.DECIDED, subject="v1", data={})


def test_no_event_is_emitted_inside_a_silence() -> None:
    make_endpoint()
    with transaction.atomic(), silence(), silence(when=False):  # the outer silence lasts
        assert emit(EventType.DECIDED, subject="v1", data={}) is None
    with transaction.atomic(), silence(when=False):
        assert emit(EventType.DECIDED, subject="v1", data={}) is not None
    assert Event.objects.count() == 1


def test_later_events_of_a_video_have_higher_sequences() -> None:
    make_endpoint()
    first, second = emit_event("v1"), emit_event("v1")
    assert first.as_json()["sequence"] < second.as_json()["sequence"]
    assert first.as_json()["id"] != second.as_json()["id"]
