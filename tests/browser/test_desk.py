"""What moderators do at the desk, in Chromium."""

import pytest
from playwright.sync_api import Locator, Page, expect

from recommendations.services import Options, recommend_video
from tests.factories import make_operator, make_uploader, make_video
from tests.fixtures_browser import OpenDesk
from tests.support.chromium import PHONE, WIDE
from videos.models import (
    CensorStatus,
    Decision,
    MachineReview,
    ReasonTemplate,
    ReviewDecision,
    ReviewTask,
    Source,
)
from videos.services import DecisionInput, prefetch, review_video

pytestmark = pytest.mark.django_db(transaction=True)

LISTS = (
    "videos/video", "videos/reviewtask", "videos/machinereview", "videos/reasontemplate",
    "videos/takedown", "videos/evidence", "videos/logpruning",
    "videos/transcodejob", "videos/cdntask", "videos/vodevent", "videos/syncrun",
    "videos/reconcilerun",
    "recommendations/recommendation", "accounts/uploader", "accounts/operator",
    "accounts/consoletoken", "auth/group", "outbox/delivery", "outbox/lane",
    "outbox/periodictask", "preferences",
)  # fmt: skip


def fill_desk() -> None:
    """Make rows of many kinds, and a title that is too long for any column."""
    operator = make_operator("operator")
    passed = make_video(title="Averylongtitlewithoutanyspaces" * 8)
    recommend_video(passed, operator=operator, options=Options(narrowband=True, prefetch=True))
    pending = make_video(title="三分钟学会做红烧肉", censor_status=CensorStatus.CHECK)
    ReviewTask.objects.create(video=pending, cause="machine_verdict")
    MachineReview.objects.create(
        video=pending,
        source_version=1,
        suggestion="review",
        labels=["ad"],
        hits=[{"label": "ad", "score": 91.5, "timestamp_ms": 1500, "module": "ad"}],
    )
    review_video(
        make_video(title="Bad"),
        DecisionInput(Decision.BLOCKED, Source.ADMIN, operator=operator, reason="r"),
    )
    ReasonTemplate.objects.create(text="含有广告或联系方式")


def choose(page: Page, action: str, *titles: str) -> None:
    for title in titles:
        page.locator("#result_list tr", has_text=title).locator(".action-select").check()
    page.select_option("select[name=action]", action)
    page.click(".actions button")
    page.wait_for_selector(".operation-form")
    page.wait_for_load_state("load")  # only then the form's scripts listen


def width_beyond_viewport(page: Page) -> int:
    page.wait_for_load_state("load")
    return int(
        page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    )


def top_of(element: Locator) -> float:
    box = element.bounding_box()
    assert box is not None
    return box["y"]


def test_a_reason_of_43_chinese_characters_cannot_be_submitted(open_desk: OpenDesk) -> None:
    video = make_video(title="Clip to block")
    page = open_desk("moderator")
    page.goto("/admin/videos/video/")
    choose(page, "block", "Clip to block")
    meter, submit = page.locator('.byte-meter[for="id_reason"]'), page.locator("button.default")
    expect(meter).to_have_text("0 / 128 bytes")
    page.fill("#id_reason", "暴" * 43)
    expect(meter).to_have_text("129 / 128 bytes")
    expect(submit).to_be_disabled()
    page.fill("#id_reason", "暴" * 42)
    expect(meter).to_have_text("126 / 128 bytes")
    submit.click()
    expect(page.locator(".messagelist")).to_contain_text("1 of 1 blocked.")
    assert ReviewDecision.objects.get(video=video).reason == "暴" * 42


def test_a_reason_template_fills_the_reason(open_desk: OpenDesk) -> None:
    ReasonTemplate.objects.create(text="含有广告或联系方式")
    make_video(title="Clip to block")
    page = open_desk("moderator")
    page.goto("/admin/videos/video/")
    choose(page, "block", "Clip to block")
    page.click(".chip")
    expect(page.locator("#id_reason")).to_have_value("含有广告或联系方式")
    expect(page.locator('.byte-meter[for="id_reason"]')).to_have_text("27 / 128 bytes")


def test_a_task_is_approved_from_the_queue(open_desk: OpenDesk) -> None:
    fill_desk()
    page = open_desk("moderator")
    page.click("#sections >> text=Review queue")
    choose(page, "approve", "三分钟学会做红烧肉")
    page.click("button.default")
    expect(page.locator(".messagelist")).to_contain_text("1 of 1 approved.")
    expect(page.locator(".empty-title")).to_be_visible()


def test_an_old_page_asks_before_it_lifts_a_block(open_desk: OpenDesk) -> None:
    video, other = make_video(censor_status=CensorStatus.CHECK), make_operator("moderator")
    page = open_desk("moderator", viewport=PHONE)
    page.goto(f"/admin/videos/video/{video.pk}/change/")
    new = DecisionInput(Decision.BLOCKED, Source.ADMIN, operator=other, reason="child abuse")
    review_video(video, new)
    page.get_by_role("button", name="Approve").click()
    row = page.locator(".operation-rows li")
    expect(row).to_contain_text(f"Blocked by {other} (admin) on ")
    expect(row.get_by_role("checkbox")).to_be_checked()
    assert width_beyond_viewport(page) == 0
    page.fill("#id_reason", "a toy")
    page.get_by_role("button", name="Approve (1)").click()
    expect(page.locator(".messagelist")).to_contain_text("1 of 1 approved.")
    assert page.url.endswith(f"/{video.pk}/change/")


def test_an_uploader_is_found_by_typing_and_filters_the_list(open_desk: OpenDesk) -> None:
    uploader = make_uploader()
    make_video(title="Mine", uploader=uploader)
    make_video(title="Other")
    page = open_desk("viewer")
    page.goto("/admin/videos/video/")
    field = page.get_by_role("combobox", name="Uploader")
    field.fill("nobody")
    options = page.get_by_role("listbox", name="Uploader").get_by_role("option")
    expect(options).to_have_text("No results found")
    page.keyboard.press("Escape")
    expect(field).to_have_value("")
    field.fill(uploader.user_name)
    expect(options).to_have_text(str(uploader))
    page.keyboard.press("Enter")
    page.wait_for_url("**uploader__id__exact=*")
    expect(field).to_have_value(str(uploader))
    expect(page.locator("#result_list")).to_contain_text("Mine")
    expect(page.locator("#result_list")).not_to_contain_text("Other")


def test_a_blocked_video_is_blurred_until_it_is_revealed(open_desk: OpenDesk) -> None:
    video = make_video(censor_status=CensorStatus.FAIL)
    page = open_desk("moderator")
    page.goto(f"/admin/videos/video/{video.pk}/change/")
    expect(page.locator("[data-player]")).to_have_css("filter", "blur(22px) grayscale(0.6)")
    page.click("[data-reveals]")
    expect(page.locator("[data-player]")).to_have_css("filter", "none")


def test_a_file_that_does_not_play_shows_an_error(open_desk: OpenDesk) -> None:
    video = make_video()
    page = open_desk("viewer")
    page.goto(f"/admin/videos/video/{video.pk}/change/")
    expect(page.locator("[data-player-error]")).to_be_visible()


def test_a_missing_picture_shows_an_empty_thumbnail(open_desk: OpenDesk) -> None:
    make_video()
    page = open_desk("viewer")
    page.goto("/admin/videos/video/")  # the pictures' host sends no content
    expect(page.locator("#result_list .thumb-empty")).to_have_count(1)
    expect(page.locator("#result_list .thumb img")).to_be_hidden()


def test_a_blocked_clips_missing_picture_says_so(open_desk: OpenDesk) -> None:
    video = make_video(censor_status=CensorStatus.FAIL)
    page = open_desk("moderator")
    page.goto("/admin/videos/video/")
    mark = page.locator("#result_list .thumb-gone")
    expect(mark).to_have_text("Gone, no copy")
    expect(page.locator("#result_list .thumb img")).to_be_hidden()
    page.goto(f"/admin/videos/video/{video.pk}/change/")
    page.locator(".strip").scroll_into_view_if_needed()
    expect(page.locator(".strip .thumb-gone")).to_have_count(len(video.snapshots))
    expect(page.locator(".strip img").first).to_be_hidden()


def test_a_threshold_is_tried_on_the_last_ai_reviews_while_typed(open_desk: OpenDesk) -> None:
    hits = [{"label": "ad", "score": 70}]
    MachineReview.objects.create(
        video=make_video(), source_version=1, suggestion="review", labels=["ad"], hits=hits
    )
    page = open_desk("operator")
    page.goto("/admin/videos/labelthreshold/add/")
    page.get_by_label("Label").fill("ad")
    page.get_by_label("Review from").fill("15")
    page.get_by_label("Block from").fill("60")
    expect(page.locator("[data-preview-url]")).to_contain_text("and 1 would block (0).")


def test_the_theme_toggle_makes_the_desk_dark_and_light(open_desk: OpenDesk) -> None:
    page = open_desk(color_scheme="light")
    body = page.locator("body")
    expect(body).to_have_css("background-color", "rgb(245, 246, 248)")
    page.click(".theme-toggle")  # from auto to dark
    expect(body).to_have_css("background-color", "rgb(15, 18, 23)")
    page.reload()
    expect(body).to_have_css("background-color", "rgb(15, 18, 23)")
    page.click(".theme-toggle")
    expect(body).to_have_css("background-color", "rgb(245, 246, 248)")


@pytest.mark.parametrize(
    ("size", "scheme"), [(WIDE, "light"), (PHONE, "dark")], ids=["1440-light", "390-dark"]
)
def test_no_page_scrolls_sideways_or_breaks_the_csp(
    open_desk: OpenDesk, size: dict[str, int], scheme: str
) -> None:
    fill_desk()
    page = open_desk("administrator", viewport=size, color_scheme=scheme)
    assert width_beyond_viewport(page) <= 0
    for name in LISTS:
        page.goto(f"/admin/{name}/")
        assert width_beyond_viewport(page) <= 0, name
        link = page.locator("#result_list tbody a[href*='/change/']").first
        if link.count():
            page.goto(link.get_attribute("href") or "")
            assert width_beyond_viewport(page) <= 0, page.url
    for action in ("block", "recommend", "remove"):
        page.goto("/admin/videos/video/")
        page.locator(".action-select").first.check()
        page.select_option("select[name=action]", action)
        page.click(".actions button")
        page.wait_for_selector(".operation-form")
        assert width_beyond_viewport(page) <= 0, action


def test_the_columns_of_the_video_list_fit_1440_pixels(open_desk: OpenDesk) -> None:
    for status in CensorStatus.values:
        make_video(
            title="A title of a usual length, in English",
            censor_status=status,
            transcode_status="onTranscode",
            narrow_transcode_status="onTranscode",
            snapshot_status="onSnapshot",
        )
    page = open_desk()
    page.goto("/admin/videos/video/")
    beyond = "table => table.parentElement.scrollWidth - table.parentElement.clientWidth"
    assert page.locator("#result_list").evaluate(beyond) <= 0


def test_the_phone_menu_opens_a_section(open_desk: OpenDesk) -> None:
    page = open_desk("moderator", viewport=PHONE)
    expect(page.locator("#sections")).to_be_hidden()
    page.click(".phone-menu summary")
    page.click(".phone-menu >> text=Review queue")
    expect(page.locator("h1")).to_have_text("Review queue")


def test_a_phone_shows_the_player_first_and_keeps_the_bar(open_desk: OpenDesk) -> None:
    video = make_video(title="A title that takes two lines on the screen of a phone")
    ReviewTask.objects.create(video=video, cause="reported")
    prefetch(["media.example.com/a"], video=video)
    page = open_desk("operator", viewport=PHONE)
    page.goto(f"/admin/videos/video/{video.pk}/change/")
    player, bar = page.locator(".player"), page.locator(".decide-bar")
    assert top_of(player) < 160
    for place in (0, 100_000):
        page.evaluate("place => window.scrollTo(0, place)", place)
        for name in ("Approve", "Block…"):
            expect(bar.get_by_role("button", name=name)).to_be_in_viewport(ratio=1)
    page.goto("/admin/review/")
    expect(page.locator("[data-title]")).not_to_be_empty()
    assert top_of(page.locator(".review-screen")) < 160
    for name in ("approve", "block", "undo"):
        expect(page.locator(f".review-bar [data-command={name}]")).to_be_in_viewport(ratio=1)
    for name in ("videos/video", "videos/reviewtask", "outbox/delivery"):
        page.goto(f"/admin/{name}/?{'state=all' if name.startswith('outbox') else ''}")
        page.wait_for_load_state("load")
        facts = page.locator("#result_list tbody tr:first-child td[data-label]:visible")
        expect(facts).to_have_count(3)


def test_a_wrong_password_is_refused_on_the_login_page(open_desk: OpenDesk) -> None:
    page = open_desk("viewer")
    with page.expect_navigation():
        page.click("#logout-form button")
    page.goto("/admin/login/")
    page.fill("#id_username", "nobody")
    page.fill("#id_password", "wrong")
    page.click("[type=submit]")
    expect(page.locator(".errornote")).to_be_visible()


def test_the_preview_of_a_threshold_follows_the_typed_values(open_desk: OpenDesk) -> None:
    for score in (95, 70):
        MachineReview.objects.create(
            video=make_video(),
            source_version=1,
            suggestion="review",
            labels=["ad"],
            hits=[{"label": "ad", "score": score}],
        )
    page = open_desk("operator")
    page.goto("/admin/videos/labelthreshold/add/")
    table = page.get_by_role("table")
    page.fill("#id_label", "ad")
    page.fill("#id_review_at", "80")
    expect(table.get_by_role("row", name="All labels")).to_have_text("All labels0 → 12 → 10")
    page.fill("#id_block_at", "90")
    expect(table.get_by_role("row", name="ad", exact=False).last).to_have_text("ad0 → 12 → 00 → 1")
    page.fill("#id_review_at", "")
    expect(table).to_be_hidden()
