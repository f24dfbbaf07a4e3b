"""axe-core finds nothing on a page of each kind, wide and on a phone, light and dark."""

from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import Page, expect
from pytest_django.fixtures import Settings

from shortvideo.webhooks.models import Endpoint
from tests.browser.test_desk import fill_desk
from tests.browser.test_review import expect_playing, serve
from tests.fixtures_browser import OpenDesk
from tests.localvod.media import make_clip
from tests.support.chromium import PHONE, WIDE

pytestmark = pytest.mark.django_db(transaction=True)

AXE: Final = Path(__file__).parents[1] / "support" / "vendor" / "axe-core" / "axe.min.js"
TAGS: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# axe-core need not fetch style sheets: that breaks the content security policy.
EVERYTHING: Final = {"runOnly": TAGS, "resultTypes": ["violations"], "preload": False}
COLOURS: Final = {**EVERYTHING, "runOnly": ["color-contrast"]}
RUN: Final = """async (options) => {
    const {violations} = await axe.run(options);
    const describe = (id, node) => `${id}: ${node.html.slice(0, 160)}`;
    return violations.flatMap(({id, nodes}) => nodes.map((node) => describe(id, node)));
}"""
PATHS: Final = (
    "/admin/", "/admin/inbox/", "/admin/preferences/", "/admin/review-ips/",
    "/admin/password_change/",
    "/admin/videos/takedown/", "/admin/videos/evidence/", "/admin/outbox/delivery/",
    "/admin/outbox/lane/", "/admin/outbox/periodictask/", "/admin/videos/reasontemplate/",
    "/admin/recommendations/recommendation/", "/admin/accounts/operator/",
    "/admin/accounts/uploader/",
    "/admin/auth/group/", "/admin/webhooks/endpoint/", "/admin/videos/labelthreshold/",
    "/admin/accounts/operator/add/", "/admin/auth/group/add/", "/admin/webhooks/endpoint/add/",
    "/admin/videos/reasontemplate/add/", "/admin/videos/labelthreshold/add/",
)  # fmt: skip
ROWS: Final = (
    "videos/video", "videos/takedown", "videos/machinereview", "videos/reasontemplate",
    "recommendations/recommendation", "accounts/operator", "accounts/uploader", "outbox/delivery",
    "auth/group", "webhooks/endpoint",
)  # fmt: skip
PROBLEMS: Final = {
    "/admin/?q=%00": "Bad request",
    "/admin/review/": "Not allowed",
    "/admin/nope/": "Not found",
    "/admin/broken/": "Something broke",
    "/admin/locked/": "The database cannot be used now",
}


class Inspector:
    """Runs axe-core on pages, and collects what it finds."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.found: dict[str, str] = {}  # violations, each with the first page that has it
        self._axe = AXE.read_text(encoding="utf-8")

    def look(self, name: str) -> None:
        """Inspect the page as it is now, once it is whole."""
        self.page.wait_for_load_state("load")
        self.page.evaluate(self._axe)
        looks: Any = (
            (WIDE, "dark", COLOURS), (WIDE, "light", EVERYTHING), (PHONE, "dark", EVERYTHING),
        )  # fmt: skip
        for size, scheme, options in looks:
            self.page.set_viewport_size(size)
            self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            for each in self.page.evaluate(RUN, options):
                self.found.setdefault(each, f"{name}, {size['width']} pixels, {scheme}")
        self.page.set_viewport_size({"width": WIDE["width"], "height": WIDE["height"]})

    def report(self) -> str:
        return "\n".join(f"{page}: {violation}" for violation, page in self.found.items())

    def visit(self, path: str) -> None:
        self.page.goto(path)
        self.look(path)


@pytest.fixture
def inspector(open_desk: OpenDesk) -> Inspector:
    fill_desk()
    return Inspector(open_desk("administrator"))


def test_lists_and_pages_of_rows_have_no_violation(inspector: Inspector) -> None:
    Endpoint.objects.create(name="Backend", url="https://example.com/")
    page = inspector.page
    for path in PATHS:
        inspector.visit(path)
    for name in ROWS:
        page.goto(f"/admin/{name}/")
        links = page.locator("#result_list tbody a[href*='/change/']")
        inspector.visit(links.evaluate_all("links => links[0].pathname"))
    inspector.visit("/admin/videos/video/?q=nothing")
    for action in ("block", "recommend"):
        page.goto("/admin/videos/video/")
        page.locator(".action-select").first.check()
        page.select_option("select[name=action]", action)
        page.click(".actions button")
        page.wait_for_selector(".operation-form")
        inspector.look(action)
    page.goto("/admin/videos/video/")
    page.get_by_role("combobox", name="Uploader").click()
    expect(page.get_by_role("option").first).to_be_visible()
    inspector.look("completion")
    assert not inspector.found, inspector.report()


def test_the_review_page_has_no_violation(inspector: Inspector, tmp_path: Path) -> None:
    page, clip = inspector.page, make_clip(tmp_path / "clip.mp4")
    page.goto("/admin/review/")
    expect(page.locator("[data-message]")).to_be_visible()
    inspector.look("review of a clip that does not play")
    page.context.route("http://media.example.com/**", lambda route: serve(route, clip))
    page.reload()
    expect_playing(page)
    inspector.look("review")
    dialog = page.locator("dialog[open]")
    for key in "ben?":
        page.keyboard.press(key)
        expect(dialog).to_be_visible()
        inspector.look(f"dialog {key}")
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
    page.click(".review-more summary")
    inspector.look("more")
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    expect(page.locator("[data-empty]")).to_be_visible()
    inspector.look("empty")
    page.keyboard.press("p")
    expect(page.locator("[data-past]")).to_be_visible()
    inspector.look("the clip before")
    assert not inspector.found, inspector.report()


def test_pages_without_a_role_or_a_login_have_no_violation(
    open_desk: OpenDesk, settings: Settings, tolerated: set[str]
) -> None:
    tolerated |= {"400 (Bad", "403 (Forb", "404 (Not", "429 (Too", "500 (Int", "503 (Serv"}
    settings.ROOT_URLCONF = "tests.admin.test_problem_pages"
    inspector = Inspector(open_desk(""))
    inspector.visit("/admin/")
    page = inspector.page
    for path, title in PROBLEMS.items():
        inspector.visit(path)
        expect(page.locator("h1")).to_have_text(title)
    page.context.clear_cookies()
    inspector.visit("/admin/login/")
    for _ in range(6):
        page.fill("#id_username", "nobody")
        page.fill("#id_password", "wrong")
        with page.expect_navigation():
            page.click("[type=submit]")
        if page.locator("h1", has_text="Locked out").count():
            break
        inspector.look("refused login")
    expect(page.locator("h1")).to_have_text("Locked out")
    inspector.look("lock-out")
    assert not inspector.found, inspector.report()
