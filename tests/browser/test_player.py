"""The players, with files from localvod's template groups."""

import threading
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from localvod.media.hls import segment
from localvod.media.transcode import transcode
from localvod.templates import Template, groups
from tests.factories import make_file, make_video
from tests.fixtures_browser import OpenDesk
from tests.localvod.media import make_clip
from tests.videos.takedowns import PIXEL
from videos.models import ReviewTask, Video

GROUPS = groups("standard", "narrowband")
PLAY = "player => { player.muted = true; player.play(); }"
IS_PLAYING = "() => document.querySelector('video')?.currentTime > 0.2"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "template",
    [template for name in ("standard", "narrowband") for template in GROUPS[name].templates],
    ids=lambda template: template.definition,
)
def test_every_definition_plays_in_the_browser(
    open_desk: OpenDesk, tmp_path: Path, template: Template
) -> None:
    clip = tmp_path / "clip.mp4"
    source = make_clip(tmp_path / "source.mp4", size="720x1280", seconds=1)
    made = transcode(source, template, clip, lambda _: None, threading.Event())
    video = make_video(files=[make_file("media.example.com/clip.mp4", height=made.height)])
    page = open_desk("viewer")
    page.route("http://media.example.com/clip.mp4*", lambda route: route.fulfill(path=clip))
    page.goto(f"/admin/videos/video/{video.pk}/change/")
    player = page.locator("video[data-player]")
    player.evaluate(PLAY)
    page.wait_for_function(IS_PLAYING)
    expect(player).to_have_js_property("videoHeight", made.height)


LOADED = """() => performance.getEntriesByType('resource').map((entry) => entry.name)
    .find((name) => name.includes('worker'))"""
WITHOUT_HLS = "HTMLMediaElement.prototype.canPlayType = () => '';"  # so that hls.js must play


@pytest.fixture
def pending() -> Video:
    """A pending clip whose only stream is HLS."""
    stream = make_file("media.example.com/clip.m3u8", format="m3u8")
    video = make_video(censor_status="check", files=[stream], source_path="")
    ReviewTask.objects.create(video=video, cause="new")
    return video


@pytest.mark.django_db(transaction=True)
def test_hls_plays_by_hls_js_on_both_pages(
    open_desk: OpenDesk, pending: Video, tmp_path: Path
) -> None:
    source = make_clip(tmp_path / "source.mp4", size="180x320", seconds=3)
    [template, _] = GROUPS["standard"].templates
    transcode(source, template, tmp_path / "clip.mp4", lambda _: None, threading.Event())
    segment(tmp_path / "clip.mp4", tmp_path / "clip.m3u8", threading.Event())
    asked = []

    def serve(route: Route) -> None:
        name = route.request.url.rpartition("/")[2].partition("?")[0]
        asked.append(name)
        cors = {"Access-Control-Allow-Origin": "*"}
        route.fulfill(path=tmp_path / name, headers=cors)

    for is_review in (True, False):
        page = open_desk("moderator")
        page.add_init_script(WITHOUT_HLS)
        page.route("http://media.example.com/clip*", serve)
        page.goto("/admin/review/" if is_review else f"/admin/videos/video/{pending.pk}/change/")
        player = page.locator("video")
        if not is_review:
            player.evaluate(PLAY)
        page.wait_for_function(IS_PLAYING)
        assert player.evaluate("player => player.src").startswith("blob:")
        assert page.evaluate(LOADED).endswith("/vendor/hls.js/hls.worker.js")
    assert {"clip.m3u8", "clip-00000.ts"} <= set(asked)


@pytest.mark.django_db(transaction=True)
def test_other_clips_do_not_load_hls_js(open_desk: OpenDesk) -> None:
    video = make_video(censor_status="check")
    ReviewTask.objects.create(video=video, cause="new")
    page, loaded = open_desk("moderator"), []
    page.on("request", lambda request: loaded.append(request.url))
    page.goto("/admin/review/")
    expect(page.locator("[data-message]")).to_be_visible()
    assert not any("hls" in url for url in loaded)


@pytest.mark.django_db(transaction=True)
def test_a_clip_that_cannot_play_says_so_at_once(open_desk: OpenDesk, pending: Video) -> None:
    other = make_video(censor_status="check", status="Checking", files=[], source_path="")
    ReviewTask.objects.create(video=other, cause="new")
    page = open_desk("moderator")
    page.route("http://media.example.com/**/*.jpg*", lambda route: route.fulfill(body=PIXEL))
    page.route("**/admin/review/play/", lambda _route: None)  # VOD's answer is on its way
    page.goto("/admin/review/")
    message = page.locator("[data-message]")
    expect(message).to_contain_text("The CDN cannot play this file.")
    expect(page.locator("[data-snapshots] img").first).to_be_visible()
    page.keyboard.press("s")
    expect(message).to_contain_text("only to review security IPs")


@pytest.mark.django_db(transaction=True)
def test_a_cdn_without_an_answer_is_named_until_it_answers(
    open_desk: OpenDesk, tmp_path: Path
) -> None:
    clip = make_clip(tmp_path / "clip.mp4", size="180x320", seconds=1)
    video = make_video(censor_status="check", files=[make_file("media.example.com/clip.mp4")])
    ReviewTask.objects.create(video=video, cause="new")
    page = open_desk("moderator")
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        waiting.append(route)

    page.route("http://media.example.com/clip.mp4*", hold)
    page.goto("/admin/review/")
    message = page.locator("[data-message]")
    expect(message).to_contain_text("The CDN does not answer yet.")
    waiting[0].fulfill(path=clip)
    expect(message).to_be_hidden()
