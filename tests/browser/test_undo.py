"""Undo of a decision, and the takedown on the video's page, in Chromium."""

import pytest
from playwright.sync_api import expect
from pytest_django.fixtures import Settings

from tests.browser.test_desk import choose, width_beyond_viewport
from tests.factories import make_video
from tests.fixtures_browser import OpenDesk
from tests.support.chromium import PHONE
from videos.models import CensorStatus, Decision, Source, Takedown
from videos.services import DecisionInput, review_video

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def window(settings: Settings) -> None:
    settings.REVIEW_UNDO_SECONDS = 3600


def test_one_click_in_the_report_undoes_a_bulk_decision(open_desk: OpenDesk) -> None:
    videos = [make_video(title=f"Clip {letter}") for letter in "AB"]
    page = open_desk("moderator")
    page.goto("/admin/videos/video/")
    choose(page, "block", "Clip A", "Clip B")
    page.fill("#id_reason", "spam")
    page.click("button.default")
    report = page.locator(".messagelist")
    expect(report).to_contain_text("2 of 2 blocked.")
    report.get_by_role("button", name="Undo").click()
    expect(report).to_contain_text("2 of 2 decisions undone.")
    assert page.url.endswith("/admin/videos/video/")
    for video in videos:
        video.refresh_from_db()
        assert video.censor_status == CensorStatus.SUCCESS


def test_the_video_page_undoes_a_block_and_its_takedown(open_desk: OpenDesk) -> None:
    video = make_video(title="Clip")
    review_video(video, DecisionInput(Decision.BLOCKED, Source.ADMIN, reason="violence"))
    page = open_desk("operator", viewport=PHONE)
    page.goto(f"/admin/videos/video/{video.pk}/change/")
    card = page.locator("section[aria-labelledby=takedown]")
    expect(card.locator("li")).to_have_count(5)
    expect(card).to_contain_text("under way")
    assert width_beyond_viewport(page) == 0
    page.get_by_role("button", name="Undo “blocked”").click()
    expect(page.locator(".messagelist")).to_contain_text("1 of 1 decisions undone.")
    expect(card).to_contain_text("reversed")
    assert Takedown.objects.get().state == Takedown.State.REVERSED


def test_a_decided_clip_is_sent_back_to_review(open_desk: OpenDesk) -> None:
    video = make_video()
    page = open_desk("moderator")
    page.goto(f"/admin/videos/video/{video.pk}/change/")
    page.get_by_role("button", name="Send back to review").click()
    expect(page.locator("#content")).to_contain_text("VOD keeps its status")
    page.fill("#id_reason", "Look at the end")
    page.get_by_role("button", name="Send back").click()
    expect(page.locator(".messagelist")).to_contain_text("1 of 1 sent back to review.")
    video.refresh_from_db()
    assert video.censor_status == CensorStatus.CHECK
