"""The requests that are measured."""

import hashlib
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

CALLBACK_PATH: Final = "/vodcallback/callback"
CALLBACK_URL: Final = f"https://console.example.com{CALLBACK_PATH}"
CALLBACK_KEY: Final = "callback-key-of-the-benchmark"
PAGE_SIZE: Final = 20

_EVENTS = itertools.count()


@dataclass(frozen=True)
class Target:
    """A kind of request. `opponents` answer it too; without the floor, page 1 is its floor."""

    name: str
    label: str
    path: str
    opponents: tuple[str, ...] = ("floor", "reference")

    def requests(self, token: str, *, last_page: int, vod_id: str) -> Callable[[], bytes]:
        """A function that returns the next request, as bytes."""
        if self.path == CALLBACK_PATH:
            return _next_callback
        path = self.path.format(last_page=last_page, vod_id=vod_id)
        request = f"GET {path} HTTP/1.1\r\n{_HEADERS}Authorization: Bearer {token}\r\n\r\n"
        encoded = request.encode()
        return lambda: encoded


# What a proxy that ends TLS adds, as docs/production.md says.
_HEADERS: Final = (
    "Host: console.example.com\r\nX-Forwarded-Proto: https\r\nX-Forwarded-For: 192.0.2.7\r\n"
    "User-Agent: bench\r\nAccept: */*\r\n"
)
_LIST: Final = f"/console/vod/getVideos?pageSize={PAGE_SIZE}&pageIndex="

TARGETS: Final = (
    Target("page1", "getVideos, page 1", f"{_LIST}1"),
    Target("check", "getVideos, censorStatus=check", f"{_LIST}1&censorStatus=check"),
    Target("single", "getVideoById", "/console/vod/getVideoById?videoId={vod_id}"),
    Target("callback", "VOD's callback", CALLBACK_PATH, ("floor",)),
    Target("last", "getVideos, last page", f"{_LIST}{{last_page}}", ("reference",)),
    Target("rare", "getVideos, a rare title", f"{_LIST}1&title=zyxomma", ("reference",)),
    Target("common", "getVideos, a common title", f"{_LIST}1&title=coffee", ("reference",)),
)


def _next_callback() -> bytes:
    number, now = next(_EVENTS), time.time()
    vod_id = f"{number % 9_000 + 1:032x}"
    body = (
        f'{{"EventTime":"{time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))}",'
        f'"EventType":"SnapshotComplete","VideoId":"{vod_id}","Status":"success",'
        f'"SnapshotInfos":[{{"Status":"success","JobId":"job-{number}-{now}","SnapshotCount":8,'
        f'"SnapshotRegular":"https://media.example.com/{vod_id}/{{SnapshotCount}}.jpg"}}]}}'
    )
    signature = hashlib.md5(f"{CALLBACK_URL}|{int(now)}|{CALLBACK_KEY}".encode()).hexdigest()
    return (
        f"POST {CALLBACK_PATH} HTTP/1.1\r\n{_HEADERS}Content-Type: application/json\r\n"
        f"X-VOD-TIMESTAMP: {int(now)}\r\nX-VOD-SIGNATURE: {signature}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()
