"""Where the keyboard's focus is after a dialog or a menu, in Chromium."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_preferences import make_pending, review
from tests.factories import make_video
from tests.fixtures_browser import OpenDesk
from tests.support.chromium import PHONE
from videos.models import ReasonTemplate

pytestmark = pytest.mark.django_db(transaction=True)


def expect_menu(page: Page, selector: str) -> None:
    """Escape closes a menu and gives its summary the focus. It closes when the focus leaves it."""
    menu = page.locator(selector).first
    summary, inside = menu.locator("> summary"), menu.locator("> :not(summary)")
    summary.focus()
    for leave in ("Escape", "Shift+Tab"):
        page.keyboard.press("Enter")
        expect(inside).to_be_visible()
        page.keyboard.press("Tab")
        expect(menu.locator("a, button").first).to_be_focused()
        page.keyboard.press(leave)
        expect(summary).to_be_focused()
        if leave == "Shift+Tab":
            expect(inside).to_be_visible()
            page.keyboard.press(leave)
            expect(summary).not_to_be_focused()
        expect(inside).to_be_hidden()


def test_menus_give_the_focus_back_and_do_not_stay_open(open_desk: OpenDesk) -> None:
    make_video()
    page = open_desk("moderator", viewport=PHONE)
    expect_menu(page, ".phone-menu")
    page.goto("/admin/videos/video/")
    expect_menu(page, ".filter-menu")
    make_pending("First")
    review(page, "First")
    expect_menu(page, ".review-more")


def test_a_closed_dialog_gives_the_focus_back(open_desk: OpenDesk) -> None:
    make_pending("First", "Second")
    ReasonTemplate.objects.create(text="Advertising")
    page = open_desk("moderator")
    review(page, "First")
    dialog = page.locator("dialog[open]")
    block = page.locator("[data-command=block]")
    block.focus()
    page.keyboard.press("Enter")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(block).to_be_focused()
    page.keyboard.press("Enter")
    dialog.get_by_role("button", name="Cancel").press("Enter")
    expect(block).to_be_focused()
    page.keyboard.press("Enter")
    expect(dialog).to_be_visible()
    page.keyboard.press("1")
    expect(page.locator("[data-title]")).to_have_text("Second")
    expect(block).to_be_focused()


def test_a_dialog_from_the_menu_gives_the_focus_to_its_summary(open_desk: OpenDesk) -> None:
    make_pending("First")
    page = open_desk("moderator")
    review(page, "First")
    dialog = page.locator("dialog[open]")
    more, menu = page.locator(".review-more summary"), page.locator(".review-more > div")
    more.press("Enter")
    menu.get_by_role("button", name="Escalate").press("Enter")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(more).to_be_focused()
    more.press("Enter")
    menu.get_by_role("button", name="Note").focus()
    page.keyboard.press("n")  # the key instead of the button
    page.keyboard.type("See the end")
    page.keyboard.press("Control+Enter")
    expect(page.locator("[data-notes]")).to_contain_text("See the end")
    expect(more).to_be_focused()
    expect(menu).to_be_hidden()
    more.click()
    menu.get_by_role("button", name="Keys").click()
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(page.locator("body")).to_be_focused()  # after the mouse the page's keys work
