"""Positions of walks by ScrollToken. Tokens end with the process."""

import secrets
import threading
import time
from dataclasses import dataclass

from localvod.errors import ApiError
from localvod.library import Position

_TTL_SECONDS = 600.0
_LARGEST_COUNT = 100_000


@dataclass(frozen=True, slots=True)
class Scroll:
    """A place in a walk: after the last row of page `page` of this search."""

    match: str
    sort_by: str
    page_size: int
    page: int
    position: Position
    total: int


class Scrolls:
    """Places by token. A token can be used again, and names the same place each time."""

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
        """The place of a token; raises InvalidScrollToken.Expired for an unknown or old one."""
        with self._lock:
            issued_at, scroll = self._known.get(token, (0.0, None))
        if scroll is None or time.monotonic() - issued_at > _TTL_SECONDS:
            message = "The ScrollToken has expired; start again at the first page."
            raise ApiError("InvalidScrollToken.Expired", 400, message)
        return scroll

    def clear(self) -> None:
        with self._lock:
            self._known.clear()

    def _forget_old(self) -> None:
        oldest_allowed = time.monotonic() - _TTL_SECONDS
        for token, (issued_at, _) in list(self._known.items())[:10]:  # oldest first
            if issued_at < oldest_allowed or len(self._known) > _LARGEST_COUNT:
                del self._known[token]
