"""An endpoint at the desk, in Chromium: from adding it to its dead letters."""

import pytest
from playwright.sync_api import Page, expect
from pytest_django import Settings

from shortvideo.webhooks.models import Endpoint
from tests.fixtures_browser import OpenDesk
from tests.support.chromium import PHONE, WIDE
from tests.support.receiver import Receiver

from .support import emit_event, work

pytestmark = pytest.mark.django_db(transaction=True)


def expect_to_fit(page: Page) -> None:
    """Expect that, after the new layout, nothing scrolls sideways on a phone and a wide screen."""
    for size in (PHONE, WIDE):
        page.set_viewport_size({"width": size["width"], "height": size["height"]})
        page.wait_for_function(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth",
        )


def test_an_endpoint_is_added_tested_watched_and_replayed(
    open_desk: OpenDesk, receiver: Receiver, settings: Settings
) -> None:
    settings.WEBHOOK_MAX_ATTEMPTS = 1
    page = open_desk("administrator")
    page.goto("/admin/webhooks/endpoint/add/")
    expect_to_fit(page)
    page.fill("#id_name", "Backend")
    page.fill("#id_url", receiver.url)
    page.uncheck("input[value='video.transcoded']")
    with page.expect_navigation():
        page.click("input[name=_save]")
    endpoint = Endpoint.objects.get()
    expect(page.locator("#endpoint-secret")).to_have_text(endpoint.secret)
    assert "video.transcoded" not in endpoint.event_types
    expect_to_fit(page)
    page.get_by_role("link", name="Done", exact=True).click()
    page.click("text=Send test event")
    expect(page.locator(".messagelist")).to_contain_text("get a test event")
    receiver.answer = lambda item: 200 if item.body["type"] == "ping" else 500
    emit_event("a-video-whose-id-is-as-long-as-they-are")
    work(2)
    page.reload()
    expect(page.locator("table.grid")).to_contain_text("It answered 500.")
    expect_to_fit(page)
    receiver.answer = lambda _: 200
    page.click("text=Replay failed events")
    page.click("button.default")
    expect(page.locator(".messagelist")).to_contain_text("get their failed events again")
    work()
    assert [item.body["type"] for item in receiver.received] == [
        "ping", "video.decided", "video.decided",
    ]  # fmt: skip
    for name in ("endpoint", "event", "dispatch", "attempt"):
        page.goto(f"/admin/webhooks/{name}/" + ("?state=all" if name == "dispatch" else ""))
        expect_to_fit(page)
