"""Pictures of each kind of page: `pytest tests/browser/test_pictures.py --pictures docs/images`.

They show a wide page, light, in English, and a phone's, dark, in Chinese. `--all-looks` takes all
eight. Without an option only the first goes to a folder of the test.
"""

import io
import itertools
from pathlib import Path
from typing import Any, Final

import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from pytest_django.fixtures import Settings

from shortvideo.outbox.models import Delivery
from tests.browser.painted import BLOCKED, PENDING, Studio, fill
from tests.fixtures_browser import OpenDesk
from tests.support.chromium import PHONE, WIDE
from videos.models import Takedown, Video

pytestmark = pytest.mark.django_db(transaction=True)

ALL_LOOKS: Final = tuple(itertools.product((WIDE, PHONE), ("light", "dark"), ("en", "zh-hans")))
LOOKS: Final = (ALL_LOOKS[0], ALL_LOOKS[-1])
LEAST_COLOURS = 100  # of a page that shows anything


class Camera:
    """Takes the same pages in one look: a size, a scheme and a language."""

    def __init__(self, page: Page, folder: Path, look: str) -> None:
        self.page = page
        self._folder = folder
        self._look = look

    def visit(self, name: str, path: str) -> None:
        self.page.goto(path)
        self.take(name)

    def take(self, name: str) -> None:
        self.page.wait_for_load_state("load")
        self.page.wait_for_function(
            "() => [...document.images].every("
            "i => i.complete || i.getBoundingClientRect().top > innerHeight)"
        )
        picture = Image.open(io.BytesIO(self.page.screenshot(animations="disabled")))
        picture.convert("RGB").save(self._folder / f"{name}{self._look}.webp", quality=82)


def take_all(camera: Camera, videos: dict[int, Video]) -> None:
    page = camera.page
    camera.visit("desk", "/admin/")
    page.goto("/admin/review/")
    expect(page.locator("[data-title]")).not_to_be_empty()
    page.wait_for_function(
        "() => [...document.querySelectorAll('video')].some(v => !v.hidden && v.currentTime > 0.5)"
    )
    camera.take("review")
    for key, name in (("b", "block"), ("?", "keys")):
        page.keyboard.press(key)
        expect(page.locator("dialog[open]")).to_be_visible()
        camera.take(f"review-{name}")
        page.keyboard.press("Escape")
    for name, path in {
        "inbox": "inbox/",
        "queue": "videos/reviewtask/",
        "videos": "videos/video/",
        "clip": f"videos/video/{videos[PENDING].pk}/change/",
        "blocked-clip": f"videos/video/{videos[BLOCKED].pk}/change/",
        "uploader": f"accounts/uploader/{videos[BLOCKED].uploader_id}/change/",
        "recommendations": "recommendations/recommendation/",
        "takedown": f"videos/takedown/{Takedown.objects.get().pk}/change/",
        "call": f"outbox/delivery/{Delivery.objects.earliest('pk').pk}/change/",
        "reasons": "videos/reasontemplate/",
        "thresholds": "videos/labelthreshold/",
        "preferences": "preferences/",
        "missing": "nothing/",
    }.items():
        camera.visit(name, f"/admin/{path}")
    page.goto("/admin/videos/video/")
    page.locator(".action-select").first.check()
    page.select_option("select[name=action]", "block")
    page.click(".actions button")
    expect(page.locator(".operation-form")).to_be_visible()
    camera.take("confirmation")
    page.context.clear_cookies()
    camera.visit("login", "/admin/login/")


def test_each_kind_of_page_has_a_picture(
    open_desk: OpenDesk,
    tolerated: set[str],
    tmp_path: Path,
    settings: Settings,
    pytestconfig: pytest.Config,
) -> None:
    tolerated.add("404 (Not Found)")
    settings.CDN_DOMAINS = ["media.example.com"]
    chosen: Path | None = pytestconfig.getoption("pictures")
    folder = chosen or tmp_path
    folder.mkdir(parents=True, exist_ok=True)
    studio = Studio(tmp_path)
    videos = fill(studio, others=(2, 3, 11, 12, 13) if chosen else ())
    looks = ALL_LOOKS if pytestconfig.getoption("all_looks") else LOOKS
    for size, scheme, language in looks if chosen else looks[:1]:
        options: dict[str, Any] = {"viewport": size, "color_scheme": scheme, "locale": language}
        page = open_desk("administrator", **options)
        studio.serve(page.context)
        names = [size["width"] != WIDE["width"] and "390", scheme != "light" and scheme]
        look = [str(name) for name in (*names, language != "en" and language) if name]
        take_all(Camera(page, folder, "".join(f"-{name}" for name in look)), videos)
    for picture in folder.glob("*.webp"):
        colours = Image.open(picture).convert("RGB").getcolors(2**24) or []
        assert len(colours) > LEAST_COLOURS, picture.name
