"""The review page goes back to own decisions: a reversal, and another reason."""

from typing import Any

import pytest
from pytest_django.fixtures import Settings

from shortvideo.outbox.worker import work_until_idle
from tests.admin.conftest import Desk, DeskOf
from tests.admin.test_reviewing import Page, make_pending
from tests.support.localvod import LocalVod
from videos.models import (
    CensorStatus,
    Decision,
    ReviewClaim,
    Source,
    Video,
)
from videos.services import DecisionInput, review_video


@pytest.fixture
def page(desk_of: DeskOf) -> Page:
    return Page(desk_of("moderator"))


def decide_one(page: Page, decision: str, **values: Any) -> Video:
    video = make_pending()
    [clip] = page.fill(limit=1)
    page.decide(clip, decision, **values)
    return video


@pytest.mark.django_db(transaction=True)
def test_a_reversal_and_a_new_reason_are_lines_and_reach_vod(
    desk_of: DeskOf, vod: LocalVod, settings: Settings
) -> None:
    settings.VOD_ENDPOINT = settings.CDN_ENDPOINT = vod.endpoint
    page = Page(desk_of("moderator"))
    video = make_pending(vod_id=vod.seed_many([{"status": "Checking"}])[0])
    [clip] = page.fill()
    page.decide(clip)
    for decision, reason in (("Blocked", "spam"), ("Blocked", "violence"), ("Normal", "a toy")):
        work_until_idle(60, kinds=["create_audit"])
        past = page.post("past")["clip"]
        page.decide(past, decision, reason=reason)
    work_until_idle(60, kinds=["create_audit"])
    expected = [("Normal", ""), ("Blocked", "spam"), ("Blocked", "violence"), ("Normal", "a toy")]
    lines = video.decisions.order_by("pk")
    assert list(lines.values_list("decision", "reason")) == expected
    assert [(status, reason) for _, status, reason in vod.audits()] == expected
    assert {claim.end for claim in ReviewClaim.objects.all()} == {"decided"}


def test_the_page_goes_back_decision_by_decision(
    page: Page, desk_of: DeskOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("videos.services.standing._OWN_DECISIONS", 2)
    first = decide_one(page, "Normal")
    second = decide_one(page, "Blocked", reason="spam")
    for other in ("overruled", "replaced", "deleted"):
        video = decide_one(page, "Normal")
        if other == "overruled":
            review_video(video, DecisionInput(Decision.BLOCKED, Source.API, reason="spam"))
        elif other == "replaced":
            Video.objects.filter(pk=video.pk).update(source_version=2)
        else:
            Video.objects.filter(pk=video.pk).update(deleted_at="2026-01-01T00:00Z")
    decide_one(Page(desk_of("moderator")), "Normal")  # by a colleague
    last = page.post("past")
    assert (last["clip"]["video"], last["clip"]["reason"]) == (second.pk, "spam")
    before = page.post("past", before=last["decision"])
    assert before["clip"]["video"] == first.pk
    assert "Approved by" in before["clip"]["standing"]
    end = page.post("past", before=before["decision"])
    assert (end["clip"], end["decision"]) == (None, None)
    assert end["sentence"] == "You have decided about no clip before."


def test_a_past_clip_on_another_page_is_named_and_passed_over(page: Page) -> None:
    first, second = decide_one(page, "Normal"), decide_one(page, "Normal")
    other_tab = Page(Desk(page.client, page.operator))
    assert other_tab.post("past")["clip"]["video"] == second.pk
    held = page.post("past")
    assert f"{page.operator} is reviewing it since" in held["sentence"]
    assert page.post("past", before=held["decision"])["clip"]["video"] == first.pk


def test_a_seen_decision_that_changed_asks(page: Page) -> None:
    video = decide_one(page, "Normal")
    past = page.post("past")["clip"]
    review_video(video, DecisionInput(Decision.BLOCKED, Source.API, reason="spam"))
    answer = page.decide(past, "Blocked", 409, reason="violence")
    assert answer["problem"] == "changed"
    assert answer["clip"]["reason"] == "spam"


def test_lifting_a_block_needs_a_reason(page: Page) -> None:
    video = decide_one(page, "Blocked", reason="spam")
    past = page.post("past")["clip"]
    answer = page.decide(past, "Normal", 400, reason=" ")
    assert answer["sentence"] == "A reason is required to lift a block."
    page.decide(past, "Normal", reason="a toy")
    video.refresh_from_db()
    assert video.censor_status == CensorStatus.SUCCESS


def test_the_same_decision_again_frees_the_clip(page: Page) -> None:
    video = decide_one(page, "Normal")
    past = page.post("past")["clip"]
    assert page.decide(past)["decision"] == video.decisions.get().pk
    assert page.fill() == []
