"""Rows that two people edit at once: a change replaces only what its editor saw."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import connections, transaction
from django.db.models import Model
from django.forms import CharField
from django.urls import reverse

from accounts.models import Operator
from recommendations.models import Recommendation
from recommendations.services import edit_recommendation
from shortvideo.webhooks.models import Endpoint
from tests.admin.conftest import Desk, DeskOf
from tests.factories import make_operator, make_recommendation, make_video
from tests.support.console import Console
from tests.support.forms import FieldValues, fields_of
from tests.support.localvod import wait_until
from tests.support.locks import watching_waiters
from tests.webhooks.support import make_endpoint
from videos.models import LabelThreshold, ReasonTemplate

LIST = "recommendations_recommendation_changelist"
_MOMENTS = {"starts_at": "2026-05-0{} 10:00:00", "ends_at": "2026-06-0{} 10:00:00"}


def picture(number: int) -> str:
    return str(Recommendation.objects.get().video.snapshots[number])


# Every model with a form at the desk, how a row is made, and what two editors make of its fields.
EDITED: dict[type[Model], tuple[Callable[[], Model], dict[str, tuple[Any, Any]]]] = {
    Recommendation: (
        make_recommendation,
        {
            "position": ("3", "4"),
            **{name: (at.format(1), at.format(2)) for name, at in _MOMENTS.items()},
            **dict.fromkeys(("title", "description", "tags", "cate_name"), ("one", "two\r\nlines")),
            **dict.fromkeys(("cover", "first_frame"), (lambda: picture(0), lambda: picture(1))),
        },
    ),
    ReasonTemplate: (
        lambda: ReasonTemplate.objects.create(text="spam"),
        {
            **dict.fromkeys(("text", "text_zh_hans", "policy"), ("one", "two")),
            "severity": ("1", "4"),
            "is_urgent": (["on"], ["on"]),
            "position": ("3", "4"),
            "is_active": ([], []),
        },
    ),
    LabelThreshold: (
        lambda: LabelThreshold.objects.create(label="ad", review_at=60, block_at=90),
        {"label": ("one", "two"), "review_at": ("50", "55"), "block_at": ("95", "96")},
    ),
    Group: (
        lambda: Group.objects.create(name="Night shift"),
        {"name": ("one", "two"), "permissions": (["1"], ["2", "3"])},
    ),
    Operator: (
        lambda: make_operator("viewer"),
        {
            "username": ("one", "two"),
            **dict.fromkeys(("first_name", "last_name"), ("one", "two")),
            "email": ("one@example.com", "two@example.com"),
            **dict.fromkeys(("is_active", "is_staff"), ([], [])),
            "groups": ([], lambda: [str(Group.objects.get(name="curator").pk)]),
        },
    ),
    Endpoint: (
        lambda: make_endpoint("https://backend.example.com/hooks"),
        {
            "name": ("one", "two"),
            "url": ("https://one.example.com/", "https://two.example.com/"),
            "event_types": (["video.deleted"], ["video.decided", "video.deleted"]),
            "is_active": ([], []),
        },
    ),
}
CASES = [(model, name) for model, (_, fields) in EDITED.items() for name in fields]


def sent(model: type[Model], name: str, who: int) -> dict[str, Any]:
    """What an editor changes in a form."""
    value = EDITED[model][1][name][who]
    value = value() if callable(value) else value
    if name in _MOMENTS:
        day, _, time = value.partition(" ")
        return {f"{name}_0": day, f"{name}_1": time}
    return {name: value}


def values_of(row: Model) -> dict[str, Any]:
    """The columns and many-to-many relations of a row."""
    row = type(row)._base_manager.get(pk=row.pk)
    relations = {field.name: set(field.value_from_object(row)) for field in row._meta.many_to_many}
    return {**{name.attname: getattr(row, name.attname) for name in row._meta.fields}, **relations}


def changed_names(before: dict[str, Any], row: Model) -> set[str]:
    bookkeeping = {"title_search", "request_id", "changed_at"}
    after = values_of(row)
    return {name for name in before if before[name] != after[name]} - bookkeeping


def test_every_form_of_the_desk_is_tried(desk_of: DeskOf, rf: Any) -> None:
    request = rf.get("/")
    request.user = make_operator("", is_superuser=True)
    for model, model_admin in admin.site._registry.items():
        assert model_admin.has_change_permission(request) is (model in EDITED), model
        if model in EDITED:
            row = EDITED[model][0]()
            form = model_admin.get_form(request, row, change=True)(instance=row)
            edited = {name for name, field in form.fields.items() if not field.disabled}
            assert edited - {"is_superuser"} == set(EDITED[model][1])
            assert set(model_admin.list_editable) <= edited


@pytest.mark.parametrize(("model", "name"), CASES, ids=lambda each: getattr(each, "__name__", each))
def test_a_field_that_another_changed_is_not_replaced_unseen(
    desk_of: DeskOf, model: type[Model], name: str
) -> None:
    one, other, row = desk_of("administrator"), desk_of("administrator"), EDITED[model][0]()
    before, old = values_of(row), one.form(row)
    assert other.save(row, {**other.form(row), **sent(model, name, 1)}).status_code == 302
    assert changed_names(before, row)
    between = values_of(row)
    mine = sent(model, name, 0)
    answer = one.save(row, {**old, **mine})
    if mine == sent(model, name, 1):  # both did the same
        assert answer.status_code == 302
        return
    text = unescape(answer.content.decode())
    assert f"\u2068{other.operator}\u2069 changed this since you opened this page." in text
    assert values_of(row) == between
    # The form keeps what was typed and has the present value as seen: saving again replaces it.
    again = fields_of(answer.content.decode(), f"{model._meta.model_name}_form")
    assert one.save(row, again).status_code == 302
    assert changed_names(between, row) == changed_names(before, row)


@pytest.mark.parametrize(("model", "name"), CASES, ids=lambda each: getattr(each, "__name__", each))
def test_a_field_that_was_left_alone_keeps_anothers_change(
    desk_of: DeskOf, model: type[Model], name: str
) -> None:
    one, other, row = desk_of("administrator"), desk_of("administrator"), EDITED[model][0]()
    old, own = one.form(row), next(each for each in EDITED[model][1] if each != name)
    assert other.save(row, {**other.form(row), **sent(model, name, 1)}).status_code == 302
    between = values_of(row)
    assert one.save(row, {**old, **sent(model, own, 0)}).status_code == 302
    assert {each.removesuffix("_id") for each in changed_names(between, row)} == {own}


def test_a_refused_form_shows_what_others_changed(desk_of: DeskOf) -> None:
    one, other, item = desk_of("curator"), desk_of("curator"), make_recommendation()
    old = one.form(item)
    other.edit(item, title="Theirs", position="7")
    answer = one.save(item, {**old, "cover": "https://elsewhere.example.com/c.jpg"})
    form = fields_of(answer.content.decode(), "recommendation_form")
    assert (form["title"], form["position"]) == (["Theirs"], ["7"])
    assert one.save(item, {**form, "cover": ""}).status_code == 302
    item.refresh_from_db()
    assert (item.title, item.position) == ("Theirs", 7)


def test_checks_across_fields_see_what_others_changed(desk_of: DeskOf) -> None:
    one, other, item = desk_of("curator"), desk_of("curator"), make_recommendation()
    old = one.form(item)
    other.edit(item, ends_at_0="2026-05-01", ends_at_1="10:00:00")
    answer = one.save(item, {**old, "starts_at_0": "2026-06-01", "starts_at_1": "10:00:00"})
    assert "It must end after it starts." in answer.content.decode()


def test_a_change_by_the_api_is_named_without_a_person(desk_of: DeskOf) -> None:
    desk = desk_of("curator")
    item = make_recommendation(make_video())
    desk.edit(item, title="Mine")
    old = desk.form(item)
    values = {"videoId": item.video.vod_id, "title": "From the API"}
    assert Console(make_operator("curator")).post("recommendVideo", **values)["code"] == "200"
    page = desk.save(item, {**old, "title": "Mine again"}).content.decode()
    assert "Changed since you opened this page. It is now: \u2068From the API\u2069." in page


@pytest.mark.parametrize("shown", [[], "x", "0" * 24 + "-9999999999"])
def test_a_form_that_says_not_what_it_showed_is_refused(desk_of: DeskOf, shown: Any) -> None:
    desk, item = desk_of("curator"), make_recommendation(title="Old")
    fields = {**desk.form(item), "initial-title": shown}
    assert desk.save(item, {**fields, "title": "New"}).status_code == 200
    item.refresh_from_db()
    assert item.title == "Old"


@pytest.mark.parametrize("model", EDITED)
def test_a_required_text_shows_something(desk_of: DeskOf, model: type[Model]) -> None:
    desk, row = desk_of("administrator"), EDITED[model][0]()
    page = desk.client.get(desk.url(row))
    fields = page.context["adminform"].form.fields.items()
    texts = [name for name, field in fields if field.required and isinstance(field, CharField)]
    for name in texts:
        assert desk.edit(row, **{name: "\u3164\ufe0f"}).status_code == 200
    assert texts or model in (Recommendation, ReasonTemplate)


# --- Lists


def save_list(desk: Desk, form: FieldValues, **fields: Any) -> Any:
    return desk.client.post(reverse(f"admin:{LIST}"), {**form, **fields, "_save": "Save"})


def test_a_position_in_a_list_is_not_replaced_unseen(desk_of: DeskOf) -> None:
    one, other = desk_of("curator"), desk_of("curator")
    items = [make_recommendation(position=number) for number in (1, 2)]
    old = fields_of(one.page(LIST), "changelist-form")
    other.edit(items[0], position="5")
    other.edit(items[1], position="6")
    answer = save_list(one, old, **{"form-0-position": "9"})
    page = unescape(answer.content.decode())
    assert f"\u2068{other.operator}\u2069 changed this" in page
    assert "It is now: \u20685\u2069." in page
    again = fields_of(page, "changelist-form")
    assert save_list(one, again).status_code == 302
    positions = Recommendation.objects.order_by("pk").values_list("position", flat=True)
    assert list(positions) == [9, 6]


def test_an_edited_row_that_left_the_list_is_no_defect(desk_of: DeskOf) -> None:
    desk = desk_of("curator")
    items = [make_recommendation(position=number) for number in (1, 2)]
    old = fields_of(desk.page(LIST), "changelist-form")
    items[0].delete()
    answer = save_list(desk, old, **{"form-0-position": "9", "form-1-position": "8"})
    assert answer.status_code == 200
    items[1].refresh_from_db()
    assert items[1].position == 2


@pytest.mark.django_db(transaction=True)
def test_a_save_waits_for_an_edit_that_is_not_committed(desk_of: DeskOf) -> None:
    desk, item = desk_of("curator"), make_recommendation(title="Old")
    old = desk.form(item)

    def save() -> int:
        try:
            return int(desk.save(item, {**old, "title": "Mine"}).status_code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool, watching_waiters() as is_waiting:
        with transaction.atomic():
            edit_recommendation(item, values={"title": "Theirs"})
            saving = pool.submit(save)
            wait_until(is_waiting, 10)
        assert saving.result() == 200  # it has compared with the edit
    item.refresh_from_db()
    assert item.title == "Theirs"
