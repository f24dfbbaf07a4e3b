"""Walks by ScrollToken: where each of them stands. Tokens end with the process."""

import secrets
import threading
import time
from dataclasses import dataclass

from localvod.errors import ApiError
from localvod.library import Position

TTL_SECONDS = 600.0
LARGEST_COUNT = 100_000


@dataclass(frozen=True, slots=True)
class Scroll:
    """A place in a walk: after the last row of page `page` of that search."""

    match: str
    sort_by: str
    page_size: int
    page: int
    position: Position
    total: int


class Scrolls:
    """Tokens of 32 characters; the same token gives the same next page each time it is used."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, Scroll]] = {}

    def issue(self, scroll: Scroll) -> str:
        token = secrets.token_hex(16)
        with self._lock:
            self._known[token] = (time.monotonic(), scroll)
            self._forget_old()
        return token

    def find(self, token: str) -> Scroll:
        """That place; InvalidScrollToken.Expired when the token is unknown or old."""
        with self._lock:
            issued_at, scroll = self._known.get(token, (0.0, None))
        if scroll is None or time.monotonic() - issued_at > TTL_SECONDS:
            message = "The ScrollToken has expired; start again at the first page."
            raise ApiError("InvalidScrollToken.Expired", 400, message)
        return scroll

    def clear(self) -> None:
        with self._lock:
            self._known.clear()

    def _forget_old(self) -> None:
        oldest_allowed = time.monotonic() - TTL_SECONDS
        for token, (issued_at, _) in list(self._known.items())[:10]:  # the oldest come first
            if issued_at < oldest_allowed or len(self._known) > LARGEST_COUNT:
                del self._known[token]
