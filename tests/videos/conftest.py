"""VOD and the CDN of these tests: the session's localvod behind the real gateways."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.core.cache import cache
from pytest_django.fixtures import Settings

from shortvideo.cloud import vod_gateway
from shortvideo.cloud.types import CallbackSettings
from tests.support.localvod import LocalVod


@pytest.fixture
def cloud(vod: LocalVod, settings: Settings) -> LocalVod:
    """Return an empty localvod; the project's settings point at it."""
    settings.VOD_ENDPOINT = settings.CDN_ENDPOINT = vod.endpoint
    settings.CDN_DOMAINS = [vod.endpoint]
    cache.clear()
    return vod


class _Taker(BaseHTTPRequestHandler):
    """Answers every event with 200."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Log nothing."""


@pytest.fixture(scope="session")
def taker_url() -> Iterator[str]:
    """Return a callback URL that drops its events; the test itself receives them, in any order."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Taker)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def eventful(cloud: LocalVod, taker_url: str) -> LocalVod:
    """Return `cloud` with callbacks on; the test reads the events there and receives them."""
    vod_gateway().set_callback(CallbackSettings(taker_url))
    return cloud
