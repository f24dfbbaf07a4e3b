"""The player, with files from localvod's template groups."""

import threading
from pathlib import Path

import pytest

from localvod.media.transcode import transcode
from localvod.templates import Template, groups
from tests.factories import make_file, make_video
from tests.fixtures_browser import OpenDesk
from tests.localvod.media import make_clip

GROUPS = groups("standard", "narrowband")
PLAY_A_LITTLE = """player => new Promise((resolve, reject) => {
    player.muted = true;
    player.ontimeupdate = () => { if (player.currentTime > 0.2) resolve(player.videoHeight); };
    player.play().catch(reject);
})"""


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
    assert page.locator("video[data-player]").evaluate(PLAY_A_LITTLE) == made.height
