"""The review page in Firefox: one run by keyboard."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from tests.browser.test_review import decide_by_keyboard, expect_agreement, make_pending
from tests.factories import PASSWORD, make_operator
from tests.localvod.media import write_media
from tests.support.firefox import ENTER, FIREFOX, TAB, Firefox
from tests.support.localvod import LocalVod
from videos.models import ReasonTemplate

VP9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime")  # H.264 needs a library of the system
REVIEW = "document.querySelector('[data-review]')"
PLAYER = "document.querySelector('video:not([hidden])')"


@pytest.fixture
def media(tmp_path: Path) -> Iterator[int]:
    """The port of a proxy that answers for every host: with a clip, or without content."""
    write_media(tmp_path / "clip.mp4", "-f", "lavfi", "-i", "testsrc2=s=180x320:r=25:d=1", *VP9)
    clip = (tmp_path / "clip.mp4").read_bytes()

    class Proxy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_clip = self.path.partition("?")[0].endswith("/clip.mp4")
            self.send_response(200 if is_clip else 204)
            if is_clip:
                self.send_header("content-type", "video/mp4")
                self.send_header("content-length", str(len(clip)))
            self.end_headers()
            self.wfile.write(clip if is_clip else b"")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
        yield server.server_port
        server.shutdown()


@pytest.fixture
def firefox(tmp_path: Path, media: int) -> Iterator[Firefox]:
    if FIREFOX is None:
        pytest.skip("No firefox is installed: the review page was looked at in chromium only.")
    (tmp_path / "profile").mkdir()
    with Firefox(tmp_path / "profile", media) as firefox:
        yield firefox


@pytest.mark.django_db(transaction=True)
def test_ten_clips_are_decided_by_keyboard_in_firefox(
    firefox: Firefox, live_server: Any, vod: LocalVod, settings: Settings
) -> None:
    settings.REVIEW_UNDO_SECONDS = 3600
    settings.VOD_ENDPOINT = settings.CDN_ENDPOINT = vod.endpoint
    ids = vod.seed_many([{"status": "Checking", "title": f"Clip {n:03d}"} for n in range(10)])
    videos = make_pending(10, ids)
    ReasonTemplate.objects.create(text="Advertising", policy="ads")
    operator = make_operator("moderator")
    firefox.open(f"{live_server.url}/admin/review/")
    firefox.expect("document.activeElement.id", "id_username")
    firefox.press(operator.username + TAB + PASSWORD + ENTER)
    firefox.expect(f"{REVIEW}.dataset.state", "clip")
    firefox.expect("document.readyState", "complete")

    def expect_clip(title: str) -> None:
        firefox.expect("document.querySelector('[data-title]').textContent", title)
        firefox.expect(f"{PLAYER}.currentTime > 0", value=True)  # it plays

    expect_clip("Clip 000")
    firefox.loads.clear()
    expected = decide_by_keyboard(range(10), firefox.press, expect_clip)
    firefox.expect(f"[{REVIEW}.dataset.state, {REVIEW}.ariaBusy]", ["empty", "false"])
    assert firefox.loads == []
    assert firefox.complaints == []
    expect_agreement(vod, ids, videos, expected)
