"""The first page while the demo makes its clips, in Chromium."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from recommendations import demo
from tests.browser.test_desk import width_beyond_viewport
from tests.factories import make_video
from tests.fixtures_browser import OpenDesk
from tests.support.chromium import PHONE
from videos.models import CensorStatus, ReviewTask

pytestmark = pytest.mark.django_db(transaction=True)


def make_task() -> None:
    video = make_video(title="Balloon morning", censor_status=CensorStatus.CHECK)
    ReviewTask.objects.create(video=video, cause="machine_verdict")


def test_the_first_page_follows_the_demo_by_itself(open_desk: OpenDesk, demo_folder: Path) -> None:
    demo.report(24, 0)
    page = open_desk("moderator", viewport=PHONE)
    expect(page.locator("[data-live=preparing]")).to_have_text("Preparing 24 demo clips, 0 done.")
    assert width_beyond_viewport(page) == 0
    demo.report(24, 7)
    make_task()
    expect(page.locator("[data-live=preparing]")).to_have_text("Preparing 24 demo clips, 7 done.")
    expect(page.locator(".start-review")).to_contain_text("Start review (1)")
    expect(page.locator(".task-list")).to_contain_text("Balloon morning")
    demo.report_end()
    expect(page.locator("[data-live=preparing]")).to_be_hidden()


def test_the_review_page_follows_the_demo_to_its_first_clip(
    open_desk: OpenDesk, demo_folder: Path
) -> None:
    demo.report(24, 7)
    page = open_desk("moderator")
    page.click(".start-review a")
    expect(page.locator("[data-preparing]")).to_have_text("Preparing 24 demo clips, 7 done.")
    make_task()
    expect(page.locator("[data-title]")).to_have_text("Balloon morning")
    expect(page.locator("#sections [data-live=waiting]")).to_have_text("1")
    page.goto("/admin/")
    page.get_by_role("button", name="Do not show this again").click()
    expect(page.locator(".guide")).to_have_count(0)


def test_the_navigation_remembers_that_the_system_is_open(open_desk: OpenDesk) -> None:
    page = open_desk("operator")
    link = page.locator("#sections >> text=Transcoding jobs")
    expect(link).to_be_hidden()
    page.click("#sections summary")
    page.goto("/admin/videos/video/")
    expect(link).to_be_visible()
    page.click("#sections summary")
    page.reload()
    expect(link).to_be_hidden()
