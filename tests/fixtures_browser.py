"""A real browser at the desk. ORM calls of a test run beside playwright's event loop."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.factories import PASSWORD, make_operator
from tests.support.chromium import CHROMIUM, FLAGS, WIDE

LONGEST_WAIT_MILLISECONDS = 120_000  # of a test that fails


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--pictures",
        type=Path,
        metavar="FOLDER",
        help="write pictures of the desk there",
    )
    parser.addoption(
        "--all-looks",
        action="store_true",
        help="each picture in two sizes, two schemes and two languages",
    )


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("No chromium is installed: the pages were not looked at in a browser.")
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = (
        "true"  # playwright keeps an event loop in this thread
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=FLAGS, timeout=LONGEST_WAIT_MILLISECONDS
        )
        expect.set_options(timeout=LONGEST_WAIT_MILLISECONDS)
        yield browser
        browser.close()
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
    else:
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = before


OpenDesk = Callable[..., Page]


@pytest.fixture
def tolerated() -> set[str]:
    """Parts of the complaints that a test causes on purpose, such as "ERR_FAILED"."""
    return set()


@pytest.fixture
def open_desk(browser: Browser, live_server: Any, tolerated: set[str]) -> Iterator[OpenDesk]:
    """Log in through the login page. The test fails on any other complaint of the console.

    Requests for media are answered with a pixel or nothing.
    """
    contexts: list[Any] = []
    complaints: list[str] = []

    def open_desk(role: str = "operator", **options: Any) -> Page:
        context = browser.new_context(**{"viewport": WIDE, "base_url": live_server.url, **options})
        contexts.append(context)
        context.set_default_timeout(LONGEST_WAIT_MILLISECONDS)
        context.route("http://media.example.com/**", lambda route: route.fulfill(status=204))
        page: Page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        operator = make_operator(role)
        page.goto("/admin/")
        page.fill("#id_username", operator.username)
        page.fill("#id_password", PASSWORD)
        page.click("[type=submit]")
        page.wait_for_selector("#user-tools")
        page.wait_for_load_state("load")  # only then the theme toggle listens
        return page

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    yield open_desk
    for context in contexts:
        context.close()
    assert [each for each in complaints if not any(part in each for part in tolerated)] == []
