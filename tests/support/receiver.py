"""An HTTP endpoint that collects events, VOD's or our webhooks, and answers as a test wants."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self


@dataclass(frozen=True)
class Received:
    """One request: its path, its headers (names in lower case), its JSON body, also as it came."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    at: float
    content: bytes


class Receiver:
    """Listens on a free port while entered. `answer` maps a request to a status, or delays it."""

    def __init__(self, answer: Callable[[Received], int] = lambda _: 200) -> None:
        self.received: list[Received] = []
        self.answer = answer
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.02], daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/callback"

    def of(self, event_type: str) -> list[Received]:
        return [item for item in self.received if item.body["EventType"] == event_type]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                headers = {name.lower(): value for name, value in self.headers.items()}
                content = self.rfile.read(length)
                item = Received(self.path, headers, json.loads(content), time.time(), content)
                receiver.received.append(item)
                self.send_response(receiver.answer(item))
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's
                """Say nothing: tests read what was received."""

        return Handler
