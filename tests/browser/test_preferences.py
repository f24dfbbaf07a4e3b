"""The review page as an operator chose it, in Chromium."""

import pytest
from playwright.sync_api import Page, expect

from tests.factories import make_video
from tests.fixtures_browser import OpenDesk
from tests.videos.takedowns import PIXEL
from videos.models import CensorStatus, Evidence, MachineReview, ReviewPreferences, ReviewTask

pytestmark = pytest.mark.django_db(transaction=True)


def make_pending(*titles: str) -> None:
    for title in titles:
        video = make_video(title=title, censor_status=CensorStatus.CHECK)
        ReviewTask.objects.create(video=video, cause="new")


def review(page: Page, title: str) -> None:
    """Open the review page and wait for its first clip."""
    page.goto("/admin/review/")
    expect(page.locator("[data-title]")).to_have_text(title)


def test_a_key_is_chosen_by_pressing_it(open_desk: OpenDesk) -> None:
    make_pending("First", "Second", "Third")
    page = open_desk("moderator")
    page.click("#user-tools >> text=Preferences")
    page.get_by_label("Approve:").focus()
    page.keyboard.press("j")
    page.get_by_label("Pause or play:").focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label("Pause or play:")).to_have_value("ArrowDown")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Two seconds back:")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".messagelist")).to_have_text("Your preferences are saved.")
    expect(page.get_by_label("Pause or play:")).to_have_value("↓")
    review(page, "First")
    page.keyboard.press("a")
    page.keyboard.press("?")
    expect(page.locator("[data-key-list] kbd").first).to_have_text("J")
    page.keyboard.press("Escape")
    expect(page.locator("[data-title]")).to_have_text("First")
    page.keyboard.press("j")
    expect(page.locator("[data-title]")).to_have_text("Second")


def test_without_single_keys_only_buttons_decide(open_desk: OpenDesk) -> None:
    make_pending("First", "Second")
    page = open_desk("moderator")
    page.goto("/admin/preferences/")
    page.get_by_label("Keys are on").uncheck()
    page.get_by_role("button", name="Save").click()
    review(page, "First")
    expect(page.locator(".review-bar kbd").first).to_be_hidden()
    for key in "asb?":
        page.keyboard.press(key)
    expect(page.locator("dialog[open]")).to_have_count(0)
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("[data-title]")).to_have_text("Second")


def test_a_clip_is_blurred_and_grey_until_it_is_revealed(open_desk: OpenDesk) -> None:
    make_pending("First", "Second")
    page = open_desk("moderator")
    page.goto("/admin/preferences/")
    page.get_by_label("Blurred until revealed:").select_option("On")
    page.get_by_label("Without colours until revealed:").select_option("On")
    page.get_by_label("Speed:", exact=True).select_option("1.5×")
    page.get_by_role("button", name="Save").click()
    review(page, "First")
    player = page.locator("[data-screen] video").first
    expect(player).to_have_css("filter", "blur(22px) grayscale(1)")
    expect(player).to_have_js_property("playbackRate", 1.5)
    page.keyboard.press("r")
    expect(player).to_have_css("filter", "none")
    page.keyboard.press("x")  # faster, and remembered
    expect(player).to_have_js_property("playbackRate", 2)
    page.keyboard.press("s")
    expect(page.locator("[data-title]")).to_have_text("Second")
    expect(player).to_have_css("filter", "blur(22px) grayscale(1)")
    page.get_by_role("button", name="Show it as it is").click()
    expect(player).to_have_css("filter", "none")
    assert ReviewPreferences.objects.get().speed_percent == 200


def test_pictures_of_hits_are_veiled_as_their_clip(open_desk: OpenDesk) -> None:
    video = make_video(title="Blocked", censor_status=CensorStatus.FAIL)
    ReviewTask.objects.create(video=video, cause="new")
    hit = {"label": "weapon", "score": 90, "timestamp_ms": 1000, "picture": "vod/hit.jpg"}
    MachineReview.objects.create(video=video, source_version=1, suggestion="block", hits=[hit])
    copy = {"kind": "hit", "path": "vod/hit.jpg", "name": "hit.jpg"}
    Evidence.objects.create(video=video, source_version=1, files=[copy])
    page = open_desk("moderator")
    page.route("**/evidence/**", lambda route: route.fulfill(body=PIXEL))
    review(page, "Blocked")
    mark, shot = page.locator("[data-hits] img"), page.locator("[data-snapshots] .shot-bad img")
    frames = [page.locator(".hit-picture"), page.locator("[data-snapshots] .shot-bad button")]
    for blur in ("16px", "9px"), None:
        for picture, radius in zip((mark, shot), blur or ("", ""), strict=True):
            veil = f"blur({radius}) grayscale(0.6)" if radius else "none"
            expect(picture).to_have_css("filter", veil)
        for frame in frames:  # around the picture, and sharp
            expect(frame).to_have_css("filter", "none")
            expect(frame).to_have_css("border-top-width", "3px")
            expect(frame).to_have_css("overflow", "hidden")
        page.keyboard.press("r")


def test_language_and_zone_hold_from_the_login_page_on(open_desk: OpenDesk) -> None:
    page = open_desk("viewer")
    html = page.locator("html")
    page.goto("/admin/preferences/")
    page.get_by_label("Language:").select_option("简体中文")
    page.get_by_label("Time zone:").select_option("Europe/Berlin")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".messagelist li")).to_have_count(1)
    expect(html).to_have_attribute("lang", "zh-hans")
    expect(page.locator("#user-tools .zone")).to_contain_text("Europe/Berlin (UTC+0")
    with page.expect_navigation():
        page.click("#logout-form button")
    page.goto("/admin/login/")
    expect(html).to_have_attribute("lang", "zh-hans")
    page.get_by_role("button", name="English").click()
    expect(html).to_have_attribute("lang", "en")


def test_both_reasons_of_a_template_have_a_meter(open_desk: OpenDesk) -> None:
    page = open_desk("operator")
    page.goto("/admin/videos/reasontemplate/add/")
    for name in ("text", "text_zh_hans"):
        meter = page.locator(f'.byte-meter[for="id_{name}"]')
        expect(meter).to_have_text("0 / 128 bytes")
        page.fill(f"#id_{name}", "暴" * 43)
        expect(meter).to_have_text("129 / 128 bytes")
    page.fill("#id_text", "violence")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".errorlist")).to_contain_text("This is 129 bytes of UTF-8")
