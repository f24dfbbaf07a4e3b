"""Lists take the lookups of their own filters and links, and no list reads a secret."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.contrib.messages import get_messages
from django.db.models import Model
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.models import Operator
from shortvideo.webhooks import services as webhooks
from shortvideo.webhooks.models import Dispatch, Endpoint
from tests.admin.conftest import DeskOf
from tests.factories import make_operator, make_recommendation, make_uploader, make_video
from tests.webhooks.support import make_endpoint
from videos.models import ReasonTemplate, VodEvent

ADMINS = sorted(admin.site._registry.values(), key=lambda each: each.__class__.__name__)
every_list = pytest.mark.parametrize("model_admin", ADMINS, ids=lambda each: type(each).__name__)
SECRET_WORDS = ("secret", "password", "token", "hash", "session")
REFUSED = "a filter, value or page that this list does not have"


@pytest.fixture
def root(db: None) -> Client:
    client = Client()
    client.force_login(make_operator("", is_superuser=True), "accounts.backends.OperatorBackend")
    return client


def list_url(model: type[Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def assert_refused(client: Client, url: str, **query: str) -> None:
    response = client.get(url, query)
    assert (response.status_code, response.get("Location")) == (302, f"{url}?e=1"), query
    assert REFUSED in client.get(f"{url}?e=1").content.decode()


def own_parameters(model_admin: Any, client: Client) -> set[str]:
    """Every parameter of the list's filters, and those of its links."""
    response = client.get(list_url(model_admin.model))
    filters = response.context["cl"].filter_specs
    names = {name for each in filters for name in each.expected_parameters()}
    return names | set(model_admin.linked_lookups)


@every_list
def test_a_list_takes_only_its_own_lookups(model_admin: Any, root: Client) -> None:
    own = {name.removesuffix("__exact") for name in own_parameters(model_admin, root)}
    url = list_url(model_admin.model)
    for field in model_admin.model._meta.get_fields():
        for suffix in ("", "__regex", "__exact", "__in", "__isnull", "__bogus"):
            if f"{field.name}{suffix}".removesuffix("__exact") not in own:
                assert root.get(url, {f"{field.name}{suffix}": "1"}).status_code == 302
    assert_refused(root, url, pk__gt="0")
    assert_refused(root, url, bogus="1")


@every_list
def test_a_row_is_named_by_its_key_only(model_admin: Any, root: Client) -> None:
    names = {field.name for field in model_admin.model._meta.get_fields()} | {"+", "pk", "bogus"}
    for page in ("change", "delete"):
        options = model_admin.model._meta
        url = reverse(f"admin:{options.app_label}_{options.model_name}_{page}", args=["0"])
        assert root.get(url, {"_to_field": ""}).status_code in (302, 403)
    for name in names - {model_admin.model._meta.pk.name}:
        for popup in ({}, {"_popup": "1"}):
            response = root.get(list_url(model_admin.model), {"_to_field": name, **popup})
            assert response.status_code == 400


@every_list
def test_no_list_reads_a_secret(model_admin: Any, rf: RequestFactory) -> None:
    """Neither by a filter or a search, nor by the order of its rows."""
    request = rf.get("/")
    request.user = Operator(is_superuser=True, is_active=True)
    columns = ChangeList.get_ordering_field
    changelist: Any = type("Lookups", (), {"lookup_opts": model_admin.opts,
                                           "model": model_admin.model,
                                           "model_admin": model_admin})()  # fmt: skip
    read = [
        *map(str, model_admin.get_list_filter(request)),
        *model_admin.get_search_fields(request),
        *map(str, model_admin.get_ordering(request)),
        *(str(columns(changelist, name)) for name in model_admin.get_list_display(request)),
        *model_admin.linked_lookups,
    ]
    assert [path for path in read if any(word in path for word in SECRET_WORDS)] == []


def test_a_pattern_that_backtracks_is_refused(root: Client) -> None:
    make_video(vod_id="a" * 32)
    url = reverse("admin:videos_video_changelist")
    assert_refused(root, url, vod_id__regex="^(([0-9a-f])+)+Z$")


def test_a_secret_is_not_guessed_by_filtering(desk_of: DeskOf) -> None:
    make_endpoint()
    assert_refused(
        desk_of("operator").client,
        reverse("admin:webhooks_endpoint_changelist"),
        secret__startswith="whsec_",
    )


def test_relations_are_no_way_round(root: Client) -> None:
    url = reverse("admin:webhooks_dispatch_changelist")
    assert_refused(root, url, endpoint__secret__startswith="whsec_")
    assert_refused(root, reverse("admin:accounts_consoletoken_changelist"), operator__password="x")


def test_an_unknown_choice_does_not_show_the_whole_list(root: Client) -> None:
    assert_refused(root, reverse("admin:videos_takedown_changelist"), attention="maybe")
    assert_refused(root, reverse("admin:outbox_delivery_changelist"), state="bogus")
    assert_refused(root, reverse("admin:videos_video_changelist"), deleted="no")


def test_a_choice_of_other_roles_shows_no_row(desk_of: DeskOf) -> None:
    make_video()
    page = desk_of("viewer").page("videos_video_changelist", deleted="yes")
    assert "Nothing matches" in page


def test_a_refused_list_changes_nothing(root: Client) -> None:
    item = make_recommendation()
    url = f"{reverse('admin:recommendations_recommendation_changelist')}?bogus=1"
    data = {"action": "remove", "_selected_action": item.pk, "confirmed": "1"}
    assert root.post(url, data).status_code == 302
    item.refresh_from_db()


def test_a_search_has_a_limit(root: Client) -> None:
    url = reverse("admin:outbox_delivery_changelist")
    response = root.get(url, {"q": "a " * 1500})
    assert response["Location"] == f"{url}?e=1"
    assert "256" in " ".join(map(str, get_messages(response.wsgi_request)))


def test_the_links_of_our_own_pages_are_taken(root: Client) -> None:
    webhooks.send_test(make_endpoint())
    make_uploader()
    for name in ("webhooks_event", "webhooks_dispatch", "webhooks_endpoint", "accounts_uploader"):
        page = root.get(
            reverse(f"admin:{name}_changelist"), {"state": "all"} if "dispatch" in name else {}
        )
        links = [part.split('"')[0] for part in page.content.decode().split('href="')[1:]]
        lists = [link.replace("&amp;", "&") for link in links if "__exact=" in link]
        assert lists, name
        for link in lists:
            path = urlsplit(link).path or reverse(f"admin:{name}_changelist")
            assert root.get(f"{path}?{urlsplit(link).query}").status_code == 200, link


def test_a_link_filters_also_where_the_filter_is_not_shown(root: Client) -> None:
    """With one endpoint Django shows no filter and forgets its parameter."""
    webhooks.send_test(make_endpoint())
    url = reverse("admin:webhooks_dispatch_changelist")
    for key, count in ((Endpoint.objects.get().pk, Dispatch.objects.count()), (0, 0)):
        shown = root.get(url, {"endpoint__id__exact": str(key), "state": "all"})
        assert shown.context["cl"].result_count == count


@pytest.mark.parametrize(
    "field",
    [
        ("webhooks", "dispatch", "endpoint"),
        ("accounts", "consoletoken", "operator"),
        ("accounts", "uploader", "videos"),
        ("videos", "video", "+"),
        ("bogus", "bogus", "bogus"),
    ],
)
def test_only_the_fields_of_our_pages_are_completed(
    root: Client, field: tuple[str, str, str]
) -> None:
    names = ("app_label", "model_name", "field_name")
    response = root.get(reverse("admin:autocomplete"), dict(zip(names, field, strict=True)))
    assert response.status_code == 403


def test_the_uploader_filter_is_completed(root: Client) -> None:
    uploader = make_uploader(user_name="Ada", name_search="ada")
    asked = {"app_label": "videos", "model_name": "video", "field_name": "uploader"}
    answer = root.get(reverse("admin:autocomplete"), {**asked, "term": "ada"}).json()
    assert [row["id"] for row in answer["results"]] == [str(uploader.pk)]
    too_long = root.get(reverse("admin:autocomplete"), {**asked, "term": "a" * 257})
    assert too_long.status_code == 400


# --- Values at the ends of their type


@pytest.mark.parametrize("key", ["abc", "", "9" * 20, "-" + "9" * 20, "9" * 5000, "1.5"])
def test_a_key_that_no_row_can_have_is_refused(root: Client, key: str) -> None:
    url = reverse("admin:videos_vodevent_changelist")
    data = {"action": "replay", "_selected_action": [key]}
    assert root.post(url, data).status_code == 400
    assert not VodEvent.objects.exists()


@pytest.mark.parametrize("key", ["abc", "9" * 20])
def test_an_edited_row_has_a_key(root: Client, key: str) -> None:
    ReasonTemplate.objects.create(text="spam")
    data = {"form-TOTAL_FORMS": "1", "form-INITIAL_FORMS": "1", "form-0-id": key, "_save": "1"}
    assert root.post(reverse("admin:videos_reasontemplate_changelist"), data).status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        {"creation_time_to": "9999-12-31"},
        {"creation_time_from": "0001-01-01"},
        {"creation_time_from": "9999-12-31", "creation_time_to": "0001-01-01"},
    ],
)
def test_the_ends_of_the_calendar_are_taken(root: Client, query: dict[str, str]) -> None:
    assert root.get(reverse("admin:videos_video_changelist"), query).status_code == 200


@pytest.mark.parametrize("key", ["9" * 20, "abc", "-" + "9" * 20, "9" * 5000])
def test_a_filter_takes_keys_that_a_row_can_have(root: Client, key: str) -> None:
    assert_refused(root, reverse("admin:videos_video_changelist"), uploader__id__exact=key)


@pytest.mark.parametrize("name", ["endpoint__id__exact", "event__id__exact"])
def test_no_row_has_a_key_beyond_64_bits(root: Client, name: str) -> None:
    webhooks.send_test(make_endpoint())
    url = reverse("admin:webhooks_dispatch_changelist")
    shown = root.get(url, {name: "9" * 20, "state": "all"})
    assert shown.context["cl"].result_count == 0


def test_the_last_day_ends_after_every_video(root: Client) -> None:
    make_video()
    url = reverse("admin:videos_video_changelist")
    shown = {
        (name, day): root.get(url, {name: day}).context["cl"].result_count
        for name in ("creation_time_from", "creation_time_to")
        for day in ("0001-01-01", "9999-12-31")
    }
    assert shown == {
        ("creation_time_from", "0001-01-01"): 1,
        ("creation_time_from", "9999-12-31"): 0,
        ("creation_time_to", "0001-01-01"): 0,
        ("creation_time_to", "9999-12-31"): 1,
    }


@pytest.mark.parametrize("page", ["9" * 20, "-1", "0"])
def test_a_page_beyond_the_last_is_refused(
    root: Client, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin.site._registry[VodEvent], "list_per_page", 1)
    for name in ("a", "b"):
        VodEvent.objects.create(event_type=name, dedupe_key=name, body={}, state="unknown")
    assert_refused(root, reverse("admin:videos_vodevent_changelist"), p=page)


@pytest.mark.parametrize("place", ["path", "query", "form", "session"])
def test_a_nul_is_refused_everywhere(root: Client, place: str) -> None:
    url = reverse("admin:videos_video_changelist")
    if place == "session":
        root.cookies["sessionid"] = "\\000aaaaaaaaaaaa"
        response = root.get(url, headers={"cookie": 'sessionid="\\000aaaaaaaaaaaa"'})
    elif place == "form":
        response = root.post(url, {"action": "approve", "_selected_action": ["\0"]})
    elif place == "query":
        response = root.get(url, {"censor_status__exact": "\0"})
    else:
        response = root.get(f"{url}%00/change/")
    assert response.status_code == 400
    assert "a value that this page does not take" in response.content.decode()


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_a_recommendation_has_a_storable_year(desk_of: DeskOf, day: str) -> None:
    fields = {"starts_at_0": day, "starts_at_1": "00:00:00"}
    answer = desk_of("curator").edit(make_recommendation(), **fields)
    assert "The year must be from 2 to 9998." in answer.content.decode()


def test_a_login_without_next_goes_to_the_desk(client: Client, db: None) -> None:
    operator = make_operator("viewer", password="correct horse")
    data = {"username": operator.username, "password": "correct horse"}
    response = client.post(reverse("admin:login"), data)
    assert (response.status_code, response["Location"]) == (302, reverse("admin:index"))
