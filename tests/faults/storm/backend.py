"""The storm's backend: receives decisions by webhook, and refuses many of the calls."""

import hashlib
import hmac
import random
import threading
from typing import Any, Final, Self

from tests.support.receiver import Received, Receiver

REFUSED_SHARE: Final = 0.3


class Backend:
    """Listens while entered. It refuses events with 503 until `be_kind` is called."""

    def __init__(self, seed: str) -> None:
        self.secret = ""
        self.refused_count = self.forged_count = 0
        self._share = REFUSED_SHARE
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._taken: list[Received] = []
        self._receiver = Receiver(self._answer)

    @property
    def url(self) -> str:
        return self._receiver.url

    def be_kind(self) -> None:
        self._share = 0.0

    def first_arrivals(self) -> list[dict[str, Any]]:
        """The bodies of the accepted events, in the order of their first arrival."""
        first: dict[str, dict[str, Any]] = {}
        with self._lock:
            for item in self._taken:
                first.setdefault(item.body["id"], item.body)
        return list(first.values())

    def _answer(self, item: Received) -> int:
        with self._lock:
            self.forged_count += not _is_genuine(self.secret, item)
            if self._random.random() < self._share:
                self.refused_count += 1
                return 503
            self._taken.append(item)
            return 200

    def __enter__(self) -> Self:
        self._receiver.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._receiver.__exit__(*error)


def _is_genuine(secret: str, item: Received) -> bool:
    signed = item.headers["x-console-timestamp"].encode() + b"." + item.content
    expected = f"v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"
    return hmac.compare_digest(expected, item.headers["x-console-signature"])
