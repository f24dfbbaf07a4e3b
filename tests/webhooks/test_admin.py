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

from .support import NOBODY_LISTENS, delivery_of, dispatch_of, ids, make_endpoint, tell, work

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
    url = reverse("admin:webhooks_endpoint_change", args=[endpoint.pk])
    return desk.client.post(url, {**FORM, "name": endpoint.name, **fields}).status_code


def pages_of(desk: Desk, endpoint: Endpoint) -> str:
    """All that the desk shows of webhooks."""
    names = ("endpoint", "event", "dispatch", "attempt")
    lists = [desk.page(f"webhooks_{name}_changelist") for name in names]
    one = desk.page("webhooks_endpoint_change", endpoint.pk)
    return "".join([*lists, one, desk.page("webhooks_endpoint_history", endpoint.pk)])


def test_an_administrator_adds_an_endpoint_and_sees_its_secret_once(desk_of: DeskOf) -> None:
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
        ({"url": "https://mei:x@backend.example.com/"}, "no user name and no password"),
        ({"url": "https://100.100.100.200/"}, "may not be called"),
        ({"event_types": []}, "This field is required."),
        ({"event_types": ["ping"]}, "is not one of the available choices"),
        ({"name": ""}, "This field is required."),
    ],
)
def test_an_endpoint_that_cannot_be_is_refused_in_one_sentence(
    desk_of: DeskOf, fields: dict[str, Any], sentence: str
) -> None:
    assert sentence in add(desk_of("administrator"), **fields)
    assert not Endpoint.objects.exists()


def test_what_an_administrator_changes_leaves_the_secret_and_the_workers_fields(
    desk_of: DeskOf,
) -> None:
    endpoint = make_endpoint(failure_count=4)
    assert change(desk_of("administrator"), endpoint, name="Other") == 302
    changed = Endpoint.objects.get()
    assert (changed.name, changed.url) == ("Other", URL)
    assert changed.secret == endpoint.secret
    assert changed.failure_count == 0  # another URL begins afresh


def test_an_endpoint_that_was_gone_is_switched_on_again(desk_of: DeskOf) -> None:
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


def test_the_test_button_sends_a_test_event_whose_end_the_page_shows(
    desk_of: DeskOf, receiver: Receiver
) -> None:
    desk, endpoint = desk_of("administrator"), make_endpoint(receiver)
    assert "1 of 1 will be sent a test event" in desk.do("send_test", endpoint)
    work()
    assert [item.body["type"] for item in receiver.received] == ["ping"]
    page = desk.page("webhooks_endpoint_change", endpoint.pk)
    assert ">ping</a>" in page
    assert '<span class="badge badge-good">200</span>' in page


def test_a_changed_secret_is_shown_once_and_both_sign(desk_of: DeskOf, receiver: Receiver) -> None:
    desk, endpoint = desk_of("administrator"), make_endpoint(receiver)
    old = endpoint.secret
    assert "Change the secret" in desk.choose("rotate_secret", endpoint).content.decode()
    endpoint.refresh_from_db()
    assert endpoint.secret == old  # nothing has changed before it is confirmed
    page = desk.choose("rotate_secret", endpoint, confirmed="1").content.decode()
    endpoint.refresh_from_db()
    assert endpoint.secret != old
    assert page.count(endpoint.secret) == 1
    assert old not in page
    shown = pages_of(desk, endpoint)
    assert endpoint.secret not in shown
    assert old not in shown
    assert "the old one signs too until" in shown


def test_the_secrets_of_two_endpoints_are_not_changed_at_once(desk_of: DeskOf) -> None:
    first, second = make_endpoint(), make_endpoint()
    desk_of("administrator").do("rotate_secret", first, second)
    assert {row.secret for row in Endpoint.objects.all()} == {first.secret, second.secret}


def test_the_list_counts_what_waits_and_what_was_given_up(
    desk_of: DeskOf, receiver: Receiver, settings: Settings
) -> None:
    settings.WEBHOOK_MAX_ATTEMPTS = 1
    receiver.answer = lambda _: 500
    endpoint = make_endpoint(receiver)
    make_endpoint()
    for number in range(3):
        tell(f"v{number}")
    work()
    page = desk_of("operator").page(LIST)
    links = re.findall(rf"endpoint__id__exact={endpoint.pk}&amp;state=(\w+)\">(\d+)<", page)
    assert links == [("open", "2"), ("given_up", "1")]
    assert "paused after a failure" in page


def test_dead_letters_are_found_through_the_inbox_and_replayed_one_by_one(
    desk_of: DeskOf, receiver: Receiver, settings: Settings
) -> None:
    settings.WEBHOOK_MAX_ATTEMPTS = 1
    receiver.answer = lambda _: 500
    make_endpoint(receiver)
    event = tell("v1")
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
    assert "has left this list meanwhile" in desk.do("replay", dead)


def test_all_of_an_endpoint_is_replayed_from_its_page(
    desk_of: DeskOf, receiver: Receiver, settings: Settings
) -> None:
    settings.WEBHOOK_MAX_ATTEMPTS = 1
    receiver.answer = lambda _: 500
    endpoint = make_endpoint(receiver)
    events = [tell(f"v{number}") for number in range(3)]
    work(3)
    receiver.answer = lambda _: 200
    desk = desk_of("operator")
    assert "1 of 1 will be sent what was given up." in desk.do("replay", endpoint)
    work()
    assert {delivery_of(event).state for event in events} == {DeliveryState.DONE}
    assert "Nothing was given up." in desk.choose("replay", endpoint).content.decode()


def test_a_dead_letter_that_nobody_wants_is_dismissed(
    desk_of: DeskOf, receiver: Receiver, settings: Settings
) -> None:
    settings.WEBHOOK_MAX_ATTEMPTS = 1
    receiver.answer = lambda _: 500
    make_endpoint(receiver)
    event = tell()
    work()
    desk = desk_of("operator")
    assert "1 of 1 dismissed." in desk.do("dismiss", dispatch_of(event))
    assert delivery_of(event).state == DeliveryState.SUPERSEDED
    assert dispatch_of(event) not in event.dispatches.unsettled()


def test_an_event_shows_its_data_and_how_many_were_told(
    desk_of: DeskOf, receiver: Receiver
) -> None:
    make_endpoint(receiver)
    event = tell("v1", EventType.DELETED, reason="spam")
    work()
    desk = desk_of("operator")
    assert "1 of 1" in desk.page("webhooks_event_changelist", q="v1")
    assert str(event.uid) in desk.page("webhooks_event_change", event.pk)
    assert "spam" in desk.page("webhooks_event_change", event.pk)
    found = desk.page("webhooks_event_changelist", q=str(event.uid))
    assert "video.deleted" in found
    assert "200" in desk.page("webhooks_attempt_changelist", q="v1")
    assert desk.status("webhooks_dispatch_change", dispatch_of(event).pk) == 200


def test_an_operator_looks_and_replays_but_manages_no_endpoint(desk_of: DeskOf) -> None:
    endpoint = make_endpoint(NOBODY_LISTENS)
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
def test_others_do_not_see_webhooks(desk_of: DeskOf, role: str) -> None:
    desk = desk_of(role)
    for name in ("endpoint", "event", "dispatch", "attempt"):
        assert desk.status(f"webhooks_{name}_changelist") == 403


def test_nobody_deletes_an_endpoint(desk_of: DeskOf) -> None:
    endpoint = make_endpoint()
    assert desk_of("administrator").status("webhooks_endpoint_delete", endpoint.pk) == 403


@pytest.mark.parametrize("name", ["endpoint", "event", "dispatch", "attempt"])
def test_a_list_costs_the_same_few_queries_for_1_row_and_for_10(
    desk_of: DeskOf, receiver: Receiver, name: str, django_assert_max_num_queries: Any
) -> None:
    desk = desk_of("operator")
    query = {"state": "all"} if name == "dispatch" else {}
    costs = []
    for _ in range(2):
        make_endpoint(receiver)
        tell("v1")
        work()
        with django_assert_max_num_queries(12) as queries:
            desk.page(f"webhooks_{name}_changelist", **query)
        costs.append(len(queries.captured_queries))
        for _ in range(3):
            make_endpoint(receiver)
            tell("v1")
        work(6)
    assert costs[1] <= costs[0] + 1  # a filter by endpoint appears with the second one
