"""The queue, recommendations, deliveries, accounts, and the first page."""

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts.models import ConsoleToken, Operator
from accounts.tokens import issue_token
from recommendations.models import Recommendation
from shortvideo.outbox.models import Delivery, DeliveryState, PeriodicTask
from tests.admin.conftest import DeskOf
from tests.factories import make_operator, make_recommendation, make_video
from tests.support.forms import fields_of
from videos.models import CdnTask, Decision, ReasonTemplate, ReviewTask, Source, TranscodeJob
from videos.services import DecisionInput, prefetch, review_video

QUEUE = "videos_reviewtask_changelist"


def make_task(title: str, *, hours: int, **values: object) -> ReviewTask:
    return ReviewTask.objects.create(
        video=make_video(title=title, censor_status="check"),
        opened_at=timezone.now() - timedelta(hours=hours),
        **{"cause": "machine_verdict", **values},
    )


def test_the_queue_lists_open_tasks_oldest_first(desk_of: DeskOf) -> None:
    make_task("Younger", hours=1)
    make_task("Older", hours=5)
    make_task("Urgent", hours=0, priority=5)
    make_task("Closed", hours=9, closed_at=timezone.now())
    page = desk_of("viewer").page(QUEUE)
    assert page.index("Urgent") < page.index("Older") < page.index("Younger")
    assert "Closed" not in page.replace(">Closed</a>", "")
    assert "5\xa0hours" in page
    assert "AI flagged" in page


def test_tasks_are_decided_from_the_queue(desk_of: DeskOf) -> None:
    desk = desk_of("moderator")
    good, bad = make_task("Good", hours=2), make_task("Bad", hours=1)
    assert "1 of 1 approved." in desk.do("approve", good, comment="")
    assert "1 of 1 blocked." in desk.do("block", bad, reason="violence", comment="")
    assert not ReviewTask.objects.open().exists()
    assert "No review tasks here" in desk.page(QUEUE)
    assert "Good" in desk.page(QUEUE, state="closed")


def test_the_position_of_a_recommendation_is_edited_in_the_list(desk_of: DeskOf) -> None:
    item = make_recommendation()
    desk, name = desk_of("curator"), "recommendations_recommendation_changelist"
    form = fields_of(desk.page(name), "changelist-form")
    desk.client.post(reverse(f"admin:{name}"), {**form, "form-0-position": 3, "_save": "Save"})
    before, item = item.changed_at, Recommendation.objects.get()
    assert item.position == 3
    assert item.changed_at > before
    assert item.video.changed_at == item.changed_at
    assert item.request_id


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"cover": "https://elsewhere.example.com/c.jpg"}, "It must be on a play domain"),
        ({"cover": "https://media.example.com/other/1.jpg"}, "own pictures: its cover"),
        (
            {"starts_at_0": "2026-05-02", "starts_at_1": "10:00:00",
             "ends_at_0": "2026-05-01", "ends_at_1": "10:00:00"},
            "It must end after it starts.",
        ),
    ],
)  # fmt: skip
def test_an_invalid_recommendation_is_refused_with_a_sentence(
    desk_of: DeskOf, fields: dict[str, str], sentence: str
) -> None:
    item = make_recommendation()
    assert sentence in desk_of("curator").edit(item, **fields).content.decode()


def test_a_cover_is_stored_without_scheme_and_signature(desk_of: DeskOf) -> None:
    item = make_recommendation()
    cover = f"http://{item.video.snapshots[1]}?auth_key=1"
    desk_of("curator").edit(item, title="ＮＥＷ", cover=cover)
    item.refresh_from_db()
    assert (item.cover, item.title, item.title_search) == (
        item.video.snapshots[1],
        "ＮＥＷ",
        "new",
    )


def test_a_play_domain_may_be_configured_in_capitals(desk_of: DeskOf, settings: Settings) -> None:
    settings.CDN_DOMAINS = ["Media.Example.com"]
    item = make_recommendation()
    desk_of("curator").edit(item, cover=f"http://{item.video.first_frame}")
    item.refresh_from_db()
    assert item.cover == item.video.first_frame


def test_recommendations_are_prefetched_and_removed(desk_of: DeskOf) -> None:
    desk, item = desk_of("curator"), make_recommendation()
    ended = make_recommendation(ends_at=timezone.now() - timedelta(days=1))
    report = desk.do("prefetch", item, ended)
    assert "1 of 2 submitted." in report
    assert ": ended" in report
    assert CdnTask.objects.get().video == item.video
    assert "2 of 2 removed." in desk.do("remove", item, ended)
    assert not Recommendation.objects.exists()


def test_a_viewer_may_not_remove_a_recommendation(desk_of: DeskOf) -> None:
    desk_of("viewer").choose("remove", make_recommendation(), confirmed="1")
    assert Recommendation.objects.count() == 1


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({}, "published"),
        ({"starts_at": timezone.now() + timedelta(days=1)}, "not started"),
        ({"ends_at": timezone.now() - timedelta(days=1)}, "ended"),
    ],
)
def test_the_list_says_whether_an_item_is_published(
    desk_of: DeskOf, values: dict[str, Any], word: str
) -> None:
    make_recommendation(**values)
    is_published = Recommendation.objects.published().exists()
    assert is_published is (word == "published")
    page = desk_of("viewer").page("recommendations_recommendation_changelist")
    assert f">{word}</span>" in page


def test_the_list_shows_that_a_block_ended_a_recommendation(desk_of: DeskOf) -> None:
    item = make_recommendation()
    for decision in (Decision.BLOCKED, Decision.NORMAL):
        review_video(item.video, DecisionInput(decision, Source.ADMIN, reason="r"))
    page = desk_of("viewer").page("recommendations_recommendation_changelist")
    assert "ended by a block" in page
    assert not Recommendation.objects.published().exists()


def test_waiting_and_given_up_deliveries_are_listed_with_errors(desk_of: DeskOf) -> None:
    desk = desk_of("operator")
    tasks = [prefetch([f"media.example.com/{number}"]) for number in range(3)]
    waiting, done, given_up = (task.delivery for task in tasks if task and task.delivery)
    Delivery.objects.filter(pk=done.pk).update(state=DeliveryState.DONE, finished_at=timezone.now())
    Delivery.objects.filter(pk=given_up.pk).update(
        state=DeliveryState.GIVEN_UP,
        finished_at=timezone.now(),
        error_code="QuotaExceeded",
        error="No quota is left today.",
    )
    page = desk.page("outbox_delivery_changelist")
    assert "No quota is left today." in page
    assert page.count('name="_selected_action"') == 2
    report = desk.do("retry", waiting, given_up)
    assert "1 of 2 will be sent again." in report
    given_up.refresh_from_db()
    assert given_up.state == DeliveryState.WAITING
    assert desk.page("outbox_delivery_changelist", state="all").count("_selected_action") == 3


def test_a_moderator_may_not_see_deliveries(desk_of: DeskOf) -> None:
    assert desk_of("moderator").status("outbox_delivery_changelist") == 403


@pytest.mark.parametrize("field", ["text", "text_zh_hans"])
@pytest.mark.parametrize("bytes_over", [0, 1])
def test_a_reason_template_fits_128_bytes(desk_of: DeskOf, bytes_over: int, field: str) -> None:
    text = "暴" * 42 + "xx" + "x" * bytes_over
    data = {field: text, "severity": 2, "position": 0, "is_active": "on"}
    response = desk_of("operator").client.post(reverse("admin:videos_reasontemplate_add"), data)
    assert ReasonTemplate.objects.exists() is (bytes_over == 0)
    assert b"Write the reason" not in response.content


def test_a_reason_template_has_a_text(desk_of: DeskOf) -> None:
    data = {"text": " ", "text_zh_hans": "\u200b", "severity": 2, "position": 0}
    response = desk_of("operator").client.post(reverse("admin:videos_reasontemplate_add"), data)
    assert "Write the reason in one language at least." in response.content.decode()


def test_a_token_is_revoked_and_its_secret_never_shown(desk_of: DeskOf) -> None:
    desk = desk_of("administrator")
    issue_token(make_operator("curator"))
    token = ConsoleToken.objects.get()
    pages = desk.page("accounts_consoletoken_changelist")
    pages += desk.page("accounts_consoletoken_change", token.pk)
    assert token.token_hash not in pages
    assert token.session_hash not in pages
    assert "1 of 1 revoked." in desk.do("revoke", token)
    assert not ConsoleToken.objects.exists()
    assert LogEntry.objects.filter(user=desk.operator).count() == 1


def test_operators_are_deactivated_never_deleted(desk_of: DeskOf) -> None:
    desk, other = desk_of("administrator"), make_operator("viewer")
    url = reverse("admin:accounts_operator_change", args=[other.pk])
    assert "deletelink" not in desk.client.get(url).content.decode()
    assert desk.status("accounts_operator_delete", other.pk) == 403
    desk.edit(other, is_active=[])
    other.refresh_from_db()
    assert other.is_active is False


def test_an_administrator_cannot_make_superusers(desk_of: DeskOf) -> None:
    desk = desk_of("administrator")
    assert desk.edit(desk.operator, is_superuser="on").status_code == 302
    assert not Operator.objects.filter(is_superuser=True).exists()


def test_an_administrator_cannot_change_a_superusers_password(desk_of: DeskOf) -> None:
    boss = make_operator("", is_superuser=True)
    desk = desk_of("administrator")
    assert desk.status("auth_user_password_change", boss.pk) == 403


def test_the_five_roles_are_listed(desk_of: DeskOf) -> None:
    page = desk_of("administrator").page("auth_group_changelist")
    assert all(name in page for name in Group.objects.values_list("name", flat=True))
    assert Group.objects.count() == 5


def test_the_first_page_counts_rows_that_need_attention(desk_of: DeskOf) -> None:
    make_task("Waiting clip", hours=3)
    review_video(make_video(), DecisionInput(Decision.BLOCKED, Source.ADMIN, reason="r"))
    TranscodeJob.objects.create(
        video=make_video(),
        kind="standard",
        template_group_id="g",
        state="fail",
        attention_at=timezone.now(),
    )
    Delivery.objects.filter(kind="purge").update(
        state=DeliveryState.GIVEN_UP, finished_at=timezone.now()
    )
    page = desk_of("operator").page("index")
    assert page.count('<span class="figure-count">1</span>') == 4
    assert "Waiting clip" in page


def test_the_figures_link_to_the_rows_that_they_count(desk_of: DeskOf) -> None:
    desk = desk_of("operator")
    TranscodeJob.objects.create(
        video=make_video(title="Failed one"),
        kind="standard",
        template_group_id="g",
        state="stuck",
        attention_at=timezone.now(),
    )
    page = desk.page("index")
    links = re.findall(r'<a href="([^"]+)" class="figure ', page)
    assert len(links) == 3
    for link in links:
        response = desk.client.get(html.unescape(link))
        assert response.status_code == 200
        assert ("Failed one" in response.content.decode()) == ("transcodejob" in link)


def test_a_viewers_first_page_has_no_deliveries_and_no_worker(desk_of: DeskOf) -> None:
    page = desk_of("viewer").page("index")
    assert "Failed VOD calls" not in page
    assert "Worker and sync" not in page
    assert "The queue is empty" in page


def test_the_first_page_says_that_no_worker_runs(desk_of: DeskOf) -> None:
    desk = desk_of("operator")
    assert "not started yet" in desk.page("index")
    task = PeriodicTask.objects.create(name="sync", due_at=timezone.now())
    assert ">running</span>" in desk.page("index")
    PeriodicTask.objects.filter(pk=task.pk).update(due_at=timezone.now() - timedelta(minutes=5))
    assert "not responding" in desk.page("index")


def test_the_first_page_shows_only_own_decisions(desk_of: DeskOf) -> None:
    mine, other = desk_of("moderator"), desk_of("moderator")
    mine.do("block", make_video(title="My block"), reason="violence", comment="")
    assert "My block" in mine.page("index")
    assert "My block" not in other.page("index")


def test_the_first_page_has_a_bounded_number_of_queries(
    desk_of: DeskOf, django_assert_max_num_queries: Any
) -> None:
    desk = desk_of("administrator")
    for number in range(6):
        make_task(f"Task {number}", hours=number)
        desk.do("block", make_video(), reason="violence", comment="")
    with django_assert_max_num_queries(22):
        desk.page("index")


def test_an_operator_without_a_role_is_told_so(desk_of: DeskOf) -> None:
    assert "You have no role yet" in desk_of("").page("index")


@pytest.mark.parametrize("page", ["/admin/", "/admin/login/", "/admin/videos/video/"])
def test_pages_have_a_strict_csp_and_nothing_inline(desk_of: DeskOf, page: str) -> None:
    make_video()
    response = desk_of("operator").client.get(page, follow=True)
    policy = response["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    text = response.content.decode()
    assert " style=" not in text
    assert "<style" not in text
    assert " onclick=" not in text


def test_the_list_of_reasons_says_what_vod_gets(desk_of: DeskOf, settings: Settings) -> None:
    settings.VOD_REASON_LANGUAGE = "zh-hans"
    ReasonTemplate.objects.create(text="Weapons", text_zh_hans="武器")
    ReasonTemplate.objects.create(text="Spam")
    page = desk_of("operator").page("videos_reasontemplate_changelist")
    assert 'Weapons <span class="quiet">7 / 128</span>' in page
    assert '武器 <span class="quiet">6 / 128</span>' in page
    assert re.findall(r'field-for_vod"><span class="badge badge-(\w+)">([^<]+)', page) == [
        ("neutral", "简体中文"),
        ("attention", "English"),
    ]
