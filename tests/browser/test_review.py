"""The review page, by keyboard, in Chromium."""

import re
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, Route, expect
from pytest_django.fixtures import Settings

from shortvideo.outbox.models import Delivery
from shortvideo.outbox.worker import work_until_idle
from tests.factories import make_file, make_operator, make_video
from tests.fixtures_browser import OpenDesk
from tests.localvod.media import make_clip
from tests.support.chromium import PHONE
from tests.support.localvod import LocalVod
from videos.models import (
    CensorStatus,
    Decision,
    MachineReview,
    ReasonTemplate,
    ReviewClaim,
    ReviewDecision,
    ReviewTask,
    Source,
    Video,
)
from videos.services import DecisionInput, review_video

pytestmark = pytest.mark.django_db(transaction=True)

SKIPPED = (10, 40, 70)


@pytest.fixture(autouse=True)
def window(settings: Settings) -> None:
    settings.REVIEW_UNDO_SECONDS = 3600


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", seconds=1)


def make_pending(count: int, vod_ids: list[str] | None = None) -> list[Video]:
    videos = []
    for number in range(count):
        vod: dict[str, Any] = {"vod_id": vod_ids[number]} if vod_ids else {}
        video = make_video(
            title=f"Clip {number:03d}",
            censor_status=CensorStatus.CHECK,
            files=[make_file("media.example.com/clip.mp4")],
            **vod,
        )
        moment = timezone.now() - timedelta(hours=1) + timedelta(seconds=number)
        ReviewTask.objects.create(video=video, cause="new", opened_at=moment)
        videos.append(video)
    return videos


def open_review(open_desk: OpenDesk, clip: Path) -> Page:
    page = open_desk("moderator")
    page.context.route("http://media.example.com/**", lambda route: serve(route, clip))
    page.goto("/admin/review/")
    return page


def serve(route: Route, clip: Path) -> None:
    """The clip itself, in ranges, so that the page can seek; nothing for pictures."""
    if route.request.url.partition("?")[0].endswith(".mp4"):
        content = clip.read_bytes()
        start = int(route.request.headers.get("range", "bytes=0-")[6:].partition("-")[0])
        span = f"bytes {start}-{len(content) - 1}/{len(content)}"
        headers = {"Content-Type": "video/mp4", "Content-Range": span}
        route.fulfill(status=206, headers=headers, body=content[start:])
    else:
        route.fulfill(status=204)


def expect_clip(page: Page, name: str) -> None:
    expect(page.locator("[data-title]")).to_have_text(name)


def expect_empty(page: Page) -> None:
    """The queue is empty, and every decision has been answered."""
    expect(page.locator("[data-empty]")).to_be_visible()
    expect(page.locator("[data-review]")).to_have_attribute("aria-busy", "false")


def expect_playing(page: Page) -> None:
    page.wait_for_function(
        "() => [...document.querySelectorAll('video')].some(v => !v.hidden && v.currentTime > 0)"
    )


def decide_by_keyboard(
    numbers: Iterable[int], press: Callable[[str], None], expect_clip: Callable[[str], None]
) -> dict[int, Decision]:
    """Decide the clips of an oldest-first queue, skip 10, 40 and 70. Returns the decisions."""
    expected: dict[int, Decision] = {}
    for number in numbers:
        expect_clip(f"Clip {number:03d}")
        if number in SKIPPED:
            press("s")
            continue
        if number % 20 == 7:  # 5 undos in 100
            press("a")
            expect_clip(f"Clip {number + 1:03d}")
            press("u")
            expect_clip(f"Clip {number:03d}")
        is_blocked = number % 10 == 3 or number % 20 == 7
        press("1" if is_blocked else "a")
        expected[number] = Decision.BLOCKED if is_blocked else Decision.NORMAL
    return expected


def expect_agreement(
    vod: LocalVod, ids: list[str], videos: list[Video], expected: dict[int, Decision]
) -> None:
    """The log, the mirror and VOD's ledger agree about each clip."""
    Delivery.objects.filter(kind="create_audit").update(due_at=timezone.now())
    work_until_idle(60, kinds=["create_audit"])
    decisions = {ids[number]: decision.value for number, decision in expected.items()}
    in_force = ReviewDecision.objects.in_force().select_related("video")
    assert {each.video.vod_id: each.decision for each in in_force} == decisions
    assert {vod_id: status for vod_id, status, _ in vod.audits()} == decisions
    assert len(vod.audits()) == len(videos)
    assert dict(Video.objects.values_list("pk", "censor_status")) == {
        video.pk: expected[number].censor_status for number, video in enumerate(videos)
    }
    undone = ReviewDecision.objects.filter(decision=Decision.UNDO).count()
    assert undone == sum(number % 20 == 7 for number in expected)
    assert not ReviewTask.objects.open().exists()


def test_100_clips_are_decided_by_keyboard_without_a_page_load(
    open_desk: OpenDesk, clip: Path, vod: LocalVod, settings: Settings
) -> None:
    settings.VOD_ENDPOINT = settings.CDN_ENDPOINT = vod.endpoint
    ids = vod.seed_many([{"status": "Checking", "title": f"Clip {n:03d}"} for n in range(100)])
    videos = make_pending(100, ids)
    ReasonTemplate.objects.create(text="Advertising", policy="ads")
    page = open_review(open_desk, clip)
    loads: list[str] = []
    page.on("framenavigated", lambda frame: loads.append(frame.url))
    expected = decide_by_keyboard(range(100), page.keyboard.press, partial(expect_clip, page))
    expect_empty(page)
    page.keyboard.press("o")
    for number in SKIPPED:
        expect_clip(page, f"Clip {number:03d}")
        page.keyboard.press("a")
        expected[number] = Decision.NORMAL
    expect_empty(page)
    assert loads == []
    expect_agreement(vod, ids, videos, expected)


def test_two_browsers_race_over_one_queue(open_desk: OpenDesk, clip: Path) -> None:
    make_pending(50)
    pages = [open_review(open_desk, clip) for _ in range(2)]
    for page in pages:
        expect(page.locator("[data-review]")).to_have_attribute("data-state", "clip")
    while ReviewTask.objects.open().exists():
        for page in pages:
            page.keyboard.press("a")
    for page in pages:
        expect_empty(page)
    decisions = ReviewDecision.objects.all()
    assert decisions.count() == decisions.values("video").distinct().count() == 50
    assert decisions.values("operator").distinct().count() == 2


def test_a_decision_elsewhere_moves_the_page_on(open_desk: OpenDesk, clip: Path) -> None:
    first, _second = make_pending(2)
    page = open_review(open_desk, clip)
    expect_clip(page, "Clip 000")
    backend = make_operator(username="backend")
    new = DecisionInput(Decision.BLOCKED, Source.API, reason="spam", operator=backend)
    review_video(first, new)
    expect(page.locator("[data-toast]")).to_contain_text("Blocked by backend", timeout=2_500)
    expect_clip(page, "Clip 001")


def test_a_lost_connection_keeps_clip_and_reason(
    open_desk: OpenDesk, clip: Path, tolerated: set[str]
) -> None:
    tolerated.add("ERR_FAILED")
    make_pending(2)
    page = open_review(open_desk, clip)
    expect_clip(page, "Clip 000")
    lost = re.compile("/admin/review/decide/")
    page.route(lost, lambda route: route.abort())
    page.keyboard.press("b")
    page.fill("#review-reason", "Weapons")
    page.keyboard.press("Enter")
    expect(page.locator("[data-banner]")).to_contain_text("No connection")
    page.unroute(lost)
    expect(page.locator("[data-banner]")).to_be_hidden()
    expect(page.locator("[data-toast]")).to_contain_text("blocked")
    assert [each.reason for each in ReviewDecision.objects.all()] == ["Weapons"]


def test_a_lost_answer_decides_once(open_desk: OpenDesk, clip: Path, tolerated: set[str]) -> None:
    tolerated.add("ERR_FAILED")
    make_pending(1)
    page = open_review(open_desk, clip)
    expect_clip(page, "Clip 000")
    answers: list[int] = []

    def lose_the_first(route: Route) -> None:
        answers.append(route.fetch().status)
        if len(answers) == 1:
            route.abort()
        else:
            route.continue_()

    page.route(re.compile("/admin/review/decide/"), lose_the_first)
    page.keyboard.press("a")
    expect(page.locator("[data-toast]")).to_contain_text("approved")
    assert len(answers) == 2
    assert ReviewDecision.objects.count() == 1


def test_an_ended_session_keeps_the_decision(
    open_desk: OpenDesk, clip: Path, tolerated: set[str]
) -> None:
    tolerated |= {"401 (Unauthorized)", "403 (Forbidden)"}
    make_pending(1)
    page = open_review(open_desk, clip)
    expect_clip(page, "Clip 000")
    cookies: Any = page.context.cookies()
    page.context.clear_cookies()
    page.keyboard.press("a")
    expect(page.locator("[data-banner]")).to_contain_text("Your session has ended")
    page.context.add_cookies(cookies)
    expect(page.locator("[data-toast]")).to_contain_text("approved")
    assert ReviewDecision.objects.count() == 1


def test_closing_the_page_frees_its_clips(open_desk: OpenDesk, clip: Path) -> None:
    make_pending(3)
    page = open_review(open_desk, clip)
    expect_clip(page, "Clip 000")
    assert ReviewClaim.objects.held().count() == 3
    page.goto("/admin/")
    expect(page.locator("#user-tools")).to_be_visible()
    assert {claim.end for claim in ReviewClaim.objects.all()} == {"left"}


def test_keys_are_ignored_while_text_is_typed(open_desk: OpenDesk, clip: Path) -> None:
    make_pending(1)
    page = open_review(open_desk, clip)
    expect_clip(page, "Clip 000")
    page.keyboard.press("n")
    page.keyboard.type("abus 1")
    expect(page.locator("#review-note")).to_have_value("abus 1")
    page.keyboard.press("Control+Enter")
    expect(page.locator("[data-notes]")).to_contain_text("abus 1")
    composing = {"key": "a", "isComposing": True, "bubbles": True}
    page.locator("body").dispatch_event("keydown", composing)
    assert not ReviewDecision.objects.exists()


def test_the_next_clip_plays_and_a_hit_is_one_key_away(open_desk: OpenDesk, clip: Path) -> None:
    _, second = make_pending(2)
    hit = {"label": "weapon", "score": 90, "timestamp_ms": 400}
    MachineReview.objects.create(video=second, source_version=1, suggestion="block", hits=[hit])
    page = open_review(open_desk, clip)
    expect_playing(page)
    page.keyboard.press("a")
    expect_clip(page, "Clip 001")
    expect_playing(page)
    player = page.locator("[data-screen] video:not([hidden])")
    page.keyboard.press("h")
    expect(player).to_have_js_property("paused", value=True)
    expect(player).to_have_js_property("currentTime", 0.4)
    page.keyboard.press("ArrowLeft")
    expect(player).to_have_js_property("currentTime", 0)
    page.get_by_role("button", name="weapon 90 · 0:00").click()
    expect(player).to_have_js_property("currentTime", 0.4)


def test_a_clip_plays_once_its_files_are_there(
    open_desk: OpenDesk, clip: Path, tolerated: set[str]
) -> None:
    tolerated.add("409 (Conflict)")
    video, _ = make_pending(2)
    files, video.files, video.source_path = video.files, [], ""
    video.save()
    page = open_review(open_desk, clip)
    expect_clip(page, "Clip 000")
    page.keyboard.press("a")
    expect(page.locator("[data-spoken]")).to_contain_text("Approve again to confirm.")
    expect_clip(page, "Clip 000")
    expect(page.locator("[data-message]")).to_be_visible()
    video.files = files
    video.save()
    expect(page.locator("[data-message]")).to_be_hidden()
    expect_playing(page)
    page.keyboard.press("s")
    expect(page.locator("[data-spoken]")).to_have_text("Skipped.")


def test_a_clip_is_escalated_by_keyboard(open_desk: OpenDesk, clip: Path) -> None:
    video, _ = make_pending(2)
    make_operator("operator")
    page = open_review(open_desk, clip)
    expect_clip(page, "Clip 000")
    page.keyboard.press("e")
    page.keyboard.type("Role: operator")
    page.keyboard.press("Tab")
    page.keyboard.type("Is this a real weapon?")
    with page.expect_response("**/admin/review/escalate/"):
        page.keyboard.press("Control+Enter")
    expect_clip(page, "Clip 001")
    expect(page.locator("[data-toast]")).to_contain_text("Escalated to operator.")
    [task] = ReviewTask.objects.open().filter(video=video, cause="escalated")
    assert str(task.for_role) == "operator"
    assert [note.text for note in video.notes.all()] == ["Is this a real weapon?"]


def test_one_key_reverses_and_one_changes_the_reason(open_desk: OpenDesk, clip: Path) -> None:
    make_pending(3)
    ReasonTemplate.objects.create(text="Advertising")
    page = open_review(open_desk, clip)
    card, toast = page.locator("[data-past]"), page.locator("[data-toast]")
    expect_clip(page, "Clip 000")
    page.keyboard.press("p")
    expect(toast).to_contain_text("You have decided about no clip before.")
    for number in range(2):
        expect_clip(page, f"Clip {number:03d}")
        page.keyboard.press("a")
    expect_clip(page, "Clip 002")
    page.keyboard.press("v")  # the last: a block, with a typed reason
    expect(page.locator("[data-dialog=block]")).to_be_visible()
    expect_clip(page, "Clip 001")
    page.keyboard.press("b")
    page.keyboard.type("spam")
    page.keyboard.press("Enter")
    expect_clip(page, "Clip 002")
    expect(toast).to_contain_text("“Clip 001” blocked: spam")
    page.keyboard.press("p")
    expect_clip(page, "Clip 001")
    expect(card).to_be_visible()
    card.get_by_role("button", name="Change the reason").click()
    expect(page.locator("#review-reason:focus")).to_have_value("spam")
    page.fill("#review-reason", "violence")
    page.keyboard.press("Enter")
    expect_clip(page, "Clip 002")
    page.keyboard.press("p")
    expect_clip(page, "Clip 001")
    page.keyboard.press("p")
    expect_clip(page, "Clip 000")
    page.keyboard.press("c")
    expect(toast).to_contain_text("no reason to change")
    page.keyboard.press("s")  # back to the queue
    expect_clip(page, "Clip 002")
    expect(card).to_be_hidden()
    page.keyboard.press("v")
    expect_clip(page, "Clip 001")
    page.fill("#review-lift", "a toy")
    page.keyboard.press("Enter")
    expect_clip(page, "Clip 002")
    page.keyboard.press("u")  # the reversal: the block stands again
    expect_clip(page, "Clip 001")
    expect(page.locator("[data-standing]")).to_contain_text("violence")
    page.keyboard.press("s")
    expect_clip(page, "Clip 002")
    page.keyboard.press("a")
    expect_empty(page)
    lines = ReviewDecision.objects.filter(video__title="Clip 001").order_by("pk")
    assert list(lines.values_list("decision", "reason")) == [
        ("Normal", ""),
        ("Blocked", "spam"),
        ("Blocked", "violence"),
        ("Normal", "a toy"),
        ("Undo", ""),
    ]
    assert not ReviewClaim.objects.held().exists()


def test_menu_and_dialogs_fit_a_phone(open_desk: OpenDesk, clip: Path) -> None:
    make_pending(1)
    page = open_review(open_desk, clip)
    page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    expect_clip(page, "Clip 000")
    page.click(".review-more summary")
    for box in (".review-more > div", "dialog[open]"):
        expect(page.locator(box)).to_be_visible()
        shape = page.locator(box).bounding_box()
        assert shape is not None
        assert shape["x"] >= 0, box
        assert shape["x"] + shape["width"] <= PHONE["width"], box
        page.keyboard.press("Escape")
        page.keyboard.press("b")
