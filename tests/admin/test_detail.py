"""The pages of rows that cannot be edited, and the way back to the filtered list."""

import html
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.tokens import issue_token
from shortvideo.desk.options import ReadOnlyAdmin
from shortvideo.outbox import services as outbox
from shortvideo.outbox.models import Delivery, DeliveryState, Lane, PeriodicTask
from shortvideo.webhooks.models import Attempt, Dispatch
from tests.admin.conftest import Desk, DeskOf
from tests.factories import make_operator, make_recommendation, make_video
from tests.support.forms import fields_of
from tests.webhooks.support import emit_event, make_endpoint
from videos.models import (
    CdnTask,
    CensorStatus,
    Decision,
    Evidence,
    LabelThreshold,
    LogPruning,
    MachineReview,
    ReasonTemplate,
    ReconcileRun,
    ReviewTask,
    Source,
    SyncRun,
    TranscodeJob,
    Video,
    VodEvent,
)
from videos.services import DecisionInput, review_video

pytestmark = pytest.mark.django_db
MODELS = list(admin.site._registry)
KEPT = "state=all&o=1"  # parameters that some list takes
HITS = [{"label": "smoking", "score": 47.3, "timestamp_ms": 5600, "module": "live"}]


def make_rows() -> None:
    """At least one row of every model of the desk."""
    operator, now = make_operator("operator"), timezone.now()
    video = make_recommendation().video
    new = DecisionInput(Decision.BLOCKED, Source.ADMIN, operator=operator, reason="r")
    review_video(make_video(title="Bad"), new)
    Evidence.objects.create(video=video, source_version=1, facts={"title": "Then"})
    ReviewTask.objects.create(video=video, cause="reported")
    MachineReview.objects.create(
        video=video, source_version=1, suggestion="review", hits=HITS, result={"Label": "live"}
    )
    failed = {"state": "fail", "error_message": "It is broken.", "attention_at": now}
    TranscodeJob.objects.create(
        video=video, kind="standard", template_group_id="g", job_ids=["a", "b"], **failed
    )
    CdnTask.objects.create(kind="prefetch", urls=["media.example.com/a"], video=video)
    VodEvent.objects.create(
        event_type="Done", media_id=video.vod_id, dedupe_key="1", body={"Extra": [1]}, state="done"
    )
    SyncRun.objects.create(kind=SyncRun.Kind.values[0], until=now)
    ReconcileRun.objects.create(state="done")
    LogPruning.objects.create(before=now, decision_count=1, first_id=1, last_id=1)
    ReasonTemplate.objects.create(text="Weapons")
    LabelThreshold.objects.create(label="ad", review_at=50, block_at=90)
    Lane.objects.get_or_create(kind="create_audit")
    PeriodicTask.objects.get_or_create(name="videos.sync", defaults={"due_at": now})
    issue_token(operator)
    make_endpoint()
    emit_event(video.vod_id)
    Attempt.objects.create(dispatch=Dispatch.objects.get(), number=1, milliseconds=9, status=500)


@pytest.fixture
def root(desk_of: DeskOf) -> Desk:
    return desk_of("", is_superuser=True)


def list_url(model: type[Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def text_of(page: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", " ", page))


def main_part(page: str) -> str:
    """The page below the title, without what is folded."""
    folded = r"(?s)<details class=\"card raw.*?</details>|<script.*?</script>"
    return re.sub(folded, "", page.split("<h1")[1])


def test_no_read_only_page_is_a_form_or_shows_json(root: Desk) -> None:
    make_rows()
    read_only = [
        model for model, each in admin.site._registry.items() if isinstance(each, ReadOnlyAdmin)
    ]
    assert len(read_only) > 15
    for model in read_only:
        page = root.client.get(root.url(model._default_manager.all()[0])).content.decode()
        main = main_part(page)
        assert 'class="form-row' not in page, model
        assert 'class="help' not in main, model
        assert not re.search(r'[\[{]\s*"', text_of(main)), model
        assert f'href="{list_url(model)}"' in crumbs_of(page), model


def test_facts_are_words_and_links_and_raw_data_is_folded(root: Desk) -> None:
    make_rows()
    review = MachineReview.objects.get()
    page = root.client.get(root.url(review)).content.decode()
    at = f"{timezone.localtime(review.received_at):%Y-%m-%d %H:%M:%S}"
    for part in ("smoking 47.3 (0:05.6)", root.url(review.video), at):
        assert part in main_part(page)
    raw = page.split('<details class="card raw">')[1]
    assert '"Label": "live"' in html.unescape(raw)
    job = main_part(root.client.get(root.url(TranscodeJob.objects.get())).content.decode())
    assert "<p>a</p><p>b</p>" in job
    assert "It is broken." in job
    assert "Requested by" not in job, "empty"
    event = VodEvent.objects.get()
    [link] = re.findall(
        r'href="(/admin/videos/video/named/[^"]+)"', root.page("videos_vodevent_change", event.pk)
    )
    assert root.client.get(link)["Location"] == root.url(Video.objects.get(vod_id=event.media_id))


def test_a_rows_buttons_are_what_its_state_allows(desk_of: DeskOf) -> None:
    desk = desk_of("operator")
    call = outbox.send("read_video", subject="v1")
    assert 'name="action"' not in main_part(desk.page("outbox_delivery_change", call.pk))
    Delivery.objects.filter(pk=call.pk).update(
        state=DeliveryState.GIVEN_UP, finished_at=timezone.now(), error="Refused."
    )
    page = desk.page("outbox_delivery_change", call.pk, _changelist_filters="state=done")
    assert re.findall(r'name="action" value="(\w+)"', page) == ["retry", "dismiss"]
    form = next(each for each in page.split("<form") if 'value="retry"' in each)
    url = html.unescape(re.findall(r'action="([^"]+)"', form)[0])
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', html.unescape(form)))
    answer = desk.client.post(url, fields)
    assert (
        answer["Location"] == fields["next"] == f"{desk.url(call)}?_changelist_filters=state%3Ddone"
    )
    assert "1 of 1 will be sent again." in desk.messages(answer)
    page = desk.page("outbox_delivery_change", call.pk)
    assert f'Retried <span class="quiet">{desk.operator} · ' in re.sub(r"\s+", " ", page)


def test_an_operator_who_cannot_edit_sees_facts_and_no_password(desk_of: DeskOf) -> None:
    boss = make_operator("viewer", is_superuser=True)
    page = desk_of("administrator").page("accounts_operator_change", boss.pk)
    assert 'class="form-row' not in page
    assert boss.username in main_part(page)
    assert boss.password not in html.unescape(page)


def crumbs_of(page: str) -> str:
    return html.unescape(page.split('class="breadcrumbs"')[1].split("</div>", maxsplit=1)[0])


def lists_with_rows(client: Client) -> Iterator[tuple[type[Model], str]]:
    """Every list, with the parameters that it takes of `KEPT`."""
    for model in MODELS:
        for query in (KEPT, "o=1"):
            shown = client.get(f"{list_url(model)}?{query}")
            if shown.status_code == 200 and shown.context["cl"].result_count:
                yield model, query
                break


def test_every_list_is_found_again_with_its_filters(root: Desk) -> None:
    make_rows()
    walked = list(lists_with_rows(root.client))
    assert [model for model, _query in walked] == MODELS
    for model, query in walked:
        page = root.client.get(f"{list_url(model)}?{query}").content.decode()
        links = map(html.unescape, re.findall(r'<a [^>]*href="(/admin/[^"]+)"', page))
        rows = {link.split("/")[3]: link for link in links if re.search(r"/change/\?", link)}
        assert rows, model
        for link in rows.values():  # to the row itself, and to its clip
            crumbs = crumbs_of(root.client.get(link).content.decode())
            [back] = re.findall(rf'href="{re.escape(list_url(model))}\?([^"]*)"', crumbs)
            assert sorted(back.split("&")) == sorted(query.split("&")), link


def test_the_navigation_leads_to_lists_that_take_its_parameters(root: Desk) -> None:
    video = make_video()
    filters = quote("q=clip&o=1")
    page = root.client.get(f"{root.url(video)}?_changelist_filters={filters}").content.decode()
    sections = page.split('id="sections"')[1].split("</nav>", maxsplit=1)[0]
    links = [html.unescape(link) for link in re.findall(r'href="(/admin/[^"]*)"', sections)]
    assert f"{list_url(Video)}?q=clip&o=1" in links
    for link in links:
        assert root.client.get(link).status_code == 200, link


@pytest.mark.parametrize("model", [ReasonTemplate, LabelThreshold, Group])
def test_a_saved_form_returns_to_the_filtered_list(root: Desk, model: type[Model]) -> None:
    make_rows()
    row = model._default_manager.all()[0]
    url = f"{root.url(row)}?_changelist_filters=o%3D1"
    fields = fields_of(root.client.get(url).content.decode(), f"{model._meta.model_name}_form")
    assert root.client.post(url, fields)["Location"] == f"{list_url(model)}?o=1"


def test_a_clip_of_the_queue_leads_back_to_the_queue(desk_of: DeskOf) -> None:
    desk = desk_of("moderator")
    video = make_video(censor_status=CensorStatus.CHECK)
    ReviewTask.objects.create(video=video, cause="reported")
    queue = f"{list_url(ReviewTask)}?cause__exact=reported"
    [link] = re.findall(r'class="heading" href="([^"]+)"', desk.client.get(queue).content.decode())
    crumbs = crumbs_of(desk.client.get(html.unescape(link)).content.decode())
    assert f'<a href="{queue}">Review queue</a>' in crumbs
    assert "Videos" not in crumbs
    elsewhere = desk.page("videos_video_change", video.pk, back="https://example.com/admin/")
    assert "example.com/admin" not in crumbs_of(elsewhere)


def test_default_filters_are_shown_as_active(desk_of: DeskOf) -> None:
    desk = desk_of("operator")
    for name, value in (
        ("outbox_delivery", "Unfinished or failed"),
        ("webhooks_dispatch", "Unfinished or failed"),
        ("videos_reviewtask", "Open"),
    ):
        page = desk.page(f"{name}_changelist")
        [active] = re.findall(r"(?s)filter-menu is-active.*?</summary>", page)
        assert f'<span class="filter-value">{value}</span>' in active


def test_every_empty_list_says_what_fills_it(root: Desk) -> None:
    for model, each in admin.site._registry.items():
        hint: Any = each
        assert str(hint.empty_hint).endswith("."), model
    page = root.page("videos_takedown_changelist")
    assert "Each block and each deletion of a clip starts a takedown." in page
