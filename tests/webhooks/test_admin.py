"""Endpoints, events and dead letters at the desk."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from shortvideo.desk.inbox import Inbox
from shortvideo.outbox.models import DeliveryState
from shortvideo.webhooks.models import Endpoint, EventType
from tests.admin.conftest import Desk, DeskOf
from tests.support.receiver import Receiver

from .support import UNREACHABLE, delivery_of, dispatch_of, emit_event, ids, make_endpoint, work

LIST = "webhooks_endpoint_changelist"
URL = "https://backend.example.com/hooks"
FORM = {
    "name": "Backend",
    "url": URL,
    "event_types": ["video.decided", "video.deleted"],
    "is_active": "on",
}


def add(desk: Desk, **fields: Any) -> str:
    response = desk.client.post(reverse("admin:webhooks_endpoint_add"), {**FORM, **fields})
    return response.content.decode()


def change(desk: Desk, endpoint: Endpoint, **fields: Any) -> int:
    code: int = desk.edit(endpoint, **{**FORM, "name": endpoint.name, **fields}).status_code
    return code


def pages_of(desk: Desk, endpoint: Endpoint) -> str:
    """Return all pages of the desk about webhooks."""
    names = ("endpoint", "event", "dispatch", "attempt")
    lists = [desk.page(f"webhooks_{name}_changelist") for name in names]
    one = desk.page("webhooks_endpoint_change", endpoint.pk)
    return "".join([*lists, one, desk.page("webhooks_endpoint_history", endpoint.pk)])


def test_a_new_endpoints_secret_is_shown_once(desk_of: DeskOf) -> None:
    desk = desk_of("administrator")
    page = add(desk)
    endpoint = Endpoint.objects.get()
    assert endpoint.event_types == ["video.decided", "video.deleted"]
    assert page.count(endpoint.secret) == 1
    assert re.fullmatch(r"whsec_[\w-]{43}", endpoint.secret)
    assert endpoint.secret not in pages_of(desk, endpoint)
    assert endpoint.secret not in str(desk.client.cookies)
    assert endpoint.secret not in str(dict(desk.client.session))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"url": "http://backend.example.com/"}, "It must be https"),
        ({"url": "https://mei:x@backend.example.com/"}, "must not contain a user name or password"),
        ({"url": "https://100.100.100.200/"}, "may not be called"),
        ({"event_types": []}, "This field is required."),
        ({"event_types": ["ping"]}, "is not one of the available choices"),
        ({"name": ""}, "This field is required."),
    ],
)
def test_an_invalid_endpoint_is_refused_with_a_sentence(
    desk_of: DeskOf, fields: dict[str, Any], sentence: str
) -> None:
    assert sentence in add(desk_of("administrator"), **fields)
    assert not Endpoint.objects.exists()


def test_changing_an_endpoints_url_keeps_its_secret(desk_of: DeskOf) -> None:
    endpoint = make_endpoint(failure_count=4)
    assert change(desk_of("administrator"), endpoint, name="Other") == 302
    changed = Endpoint.objects.get()
    assert (changed.name, changed.url) == ("Other", URL)
    assert changed.secret == endpoint.secret
    assert changed.failure_count == 0  # a new URL has no failures


def test_a_switched_off_endpoint_can_be_switched_on_again(desk_of: DeskOf) -> None:
    until = timezone.now() + timedelta(minutes=1)
    endpoint = make_endpoint(
        URL, is_active=False, switched_off_reason="It answered 410 Gone.",
        failure_count=1, paused_until=until,
    )  # fmt: skip
    desk = desk_of("administrator")
    assert "It answered 410 Gone." in desk.page("webhooks_endpoint_change", endpoint.pk)
    change(desk, endpoint)
    endpoint.refresh_from_db()
    assert (endpoint.is_active, endpoint.switched_off_reason) == (True, "")
    assert (endpoint.failure_count, endpoint.paused_until) == (0, None)


def test_the_page_shows_the_result_of_a_test_event(desk_of: DeskOf, receiver: Receiver) -> None:
    desk, endpoint = desk_of("administrator"), make_endpoint(receiver)
    assert "1 of 1 get a test event" in desk.do("send_test", endpoint)
    work()
    assert [item.body["type"] for item in receiver.received] == ["ping"]
    page = desk.page("webhooks_endpoint_change", endpoint.pk)
    assert ">ping</a>" in page
    assert '<span class="badge badge-good">200</span>' in page


def test_a_changed_secret_is_shown_once(desk_of: DeskOf, receiver: Receiver) -> None:
    desk, endpoint = desk_of("administrator"), make_endpoint(receiver)
    old = endpoint.secret
    assert "Change the secret" in desk.choose("rotate_secret", endpoint).content.decode()
    endpoint.refresh_from_db()
    assert endpoint.secret == old  # nothing changes before the confirmation
    page = desk.choose("rotate_secret", endpoint, confirmed="1").content.decode()
    endpoint.refresh_from_db()
    assert endpoint.secret != old
    assert page.count(endpoint.secret) == 1
    assert old not in page
    shown = pages_of(desk, endpoint)
    assert endpoint.secret not in shown
    assert old not in shown
    assert "The old secret also signs until" in shown


def test_the_secrets_of_two_endpoints_are_not_changed_at_once(desk_of: DeskOf) -> None:
    first, second = make_endpoint(), make_endpoint()
    desk_of("administrator").do("rotate_secret", first, second)
    assert {row.secret for row in Endpoint.objects.all()} == {first.secret, second.secret}


def test_the_list_counts_open_and_given_up_deliveries(
    desk_of: DeskOf, receiver: Receiver, settings: Settings
) -> None:
    settings.WEBHOOK_MAX_ATTEMPTS = 1
    receiver.answer = lambda _: 500
    endpoint = make_endpoint(receiver)
    make_endpoint()
    for number in range(3):
        emit_event(f"v{number}")
    work()
    page = desk_of("operator").page(LIST)
    links = re.findall(rf"endpoint__id__exact={endpoint.pk}&amp;state=(\w+)\">(\d+)<", page)
    assert links == [("open", "2"), ("given_up", "1")]
    assert "paused after a failure" in page


def test_a_dead_letter_in_the_inbox_can_be_replayed(
    desk_of: DeskOf, receiver: Receiver, settings: Settings
) -> None:
    settings.WEBHOOK_MAX_ATTEMPTS = 1
    receiver.answer = lambda _: 500
    make_endpoint(receiver)
    event = emit_event("v1")
    work()
    desk = desk_of("operator")
    dead = dispatch_of(event)
    page = desk.page("webhooks_dispatch_changelist", state="given_up")
    assert "Given up after 1 attempts: It answered 500." in page
    assert [line.count for line in Inbox(desk.operator) if line.concern.name == "webhooks"] == [1]
    receiver.answer = lambda _: 200
    assert "1 of 1 will be sent again." in desk.do("replay", dead)
    work()
    assert ids(receiver.received) == [str(event.uid)] * 2
    assert "is no longer in this list" in desk.do("replay", dead)


def test_all_dead_letters_are_replayed_from_the_endpoints_page(
    desk_of: DeskOf, receiver: Receiver, settings: Settings
) -> None:
    settings.WEBHOOK_MAX_ATTEMPTS = 1
    receiver.answer = lambda _: 500
    endpoint = make_endpoint(receiver)
    events = [emit_event(f"v{number}") for number in range(3)]
    work(3)
    receiver.answer = lambda _: 200
    desk = desk_of("operator")
    assert "1 of 1 get their failed events again." in desk.do("replay", endpoint)
    work()
    assert {delivery_of(event).state for event in events} == {DeliveryState.DONE}
    assert "It has no failed events." in desk.choose("replay", endpoint).content.decode()


def test_a_dead_letter_can_be_dismissed(
    desk_of: DeskOf, receiver: Receiver, settings: Settings
) -> None:
    settings.WEBHOOK_MAX_ATTEMPTS = 1
    receiver.answer = lambda _: 500
    make_endpoint(receiver)
    event = emit_event()
    work()
    desk = desk_of("operator")
    assert "1 of 1 dismissed." in desk.do("dismiss", dispatch_of(event))
    assert delivery_of(event).state == DeliveryState.SUPERSEDED
    assert dispatch_of(event) not in event.dispatches.unfinished_or_dead()


def test_an_event_shows_its_data_and_its_deliveries(desk_of: DeskOf, receiver: Receiver) -> None:
    make_endpoint(receiver)
    event = emit_event("v1", EventType.DELETED, reason="spam")
    work()
    desk = desk_of("operator")
    assert "1 of 1" in desk.page("webhooks_event_changelist", q="v1")
    assert str(event.uid) in desk.page("webhooks_event_change", event.pk)
    assert "spam" in desk.page("webhooks_event_change", event.pk)
    found = desk.page("webhooks_event_changelist", q=str(event.uid))
    assert "video.deleted" in found
    assert "200" in desk.page("webhooks_attempt_changelist", q="v1")
    assert desk.status("webhooks_dispatch_change", dispatch_of(event).pk) == 200


def test_an_operator_sees_endpoints_but_cannot_change_them(desk_of: DeskOf) -> None:
    endpoint = make_endpoint(UNREACHABLE)
    desk = desk_of("operator")
    assert endpoint.url in desk.page("webhooks_endpoint_change", endpoint.pk)
    assert desk.status("webhooks_endpoint_add") == 403
    assert change(desk, endpoint) == 403
    for action in ("send_test", "rotate_secret"):
        desk.choose(action, endpoint, confirmed="1")
    endpoint.refresh_from_db()
    assert endpoint.previous_secret == ""
    assert not endpoint.dispatches.exists()


@pytest.mark.parametrize("role", ["viewer", "moderator", "curator"])
def test_other_roles_do_not_see_webhooks(desk_of: DeskOf, role: str) -> None:
    desk = desk_of(role)
    for name in ("endpoint", "event", "dispatch", "attempt"):
        assert desk.status(f"webhooks_{name}_changelist") == 403


def test_an_endpoint_cannot_be_deleted(desk_of: DeskOf) -> None:
    endpoint = make_endpoint()
    assert desk_of("administrator").status("webhooks_endpoint_delete", endpoint.pk) == 403


@pytest.mark.parametrize("name", ["endpoint", "event", "dispatch", "attempt"])
def test_a_list_needs_no_more_queries_for_more_rows(
    desk_of: DeskOf, receiver: Receiver, name: str, django_assert_max_num_queries: Any
) -> None:
    desk = desk_of("operator")
    query = {"state": "all"} if name == "dispatch" else {}
    costs = []
    for _ in range(2):
        make_endpoint(receiver)
        emit_event("v1")
        work()
        with django_assert_max_num_queries(12) as queries:
            desk.page(f"webhooks_{name}_changelist", **query)
        costs.append(len(queries.captured_queries))
        for _ in range(3):
            make_endpoint(receiver)
            emit_event("v1")
        work(6)
    assert costs[1] <= costs[0] + 1  # a filter by endpoint appears with the second endpoint
