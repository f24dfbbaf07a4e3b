"""A cheap HTTP client: one thread, keep-alive, the next request after each answer."""

import re
import selectors
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

_HEAD_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_CHUNK_BYTES = 1 << 18

MakeRequest = Callable[[], bytes]


@dataclass
class Load:
    """What one run of the client measured."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)  # seconds, of answers with status 200
    received_bytes: int = 0  # of the bodies


class _Connection:
    """One connection, with one request under way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent_at = 0.0
        self._received: list[bytes] = []
        self._missing = -1  # bytes of the answer; -1 before its head

    def send(self, request: bytes) -> None:
        self._received, self._missing = [], -1
        self.sent_at = time.perf_counter()
        self.socket.sendall(request)

    def receive(self) -> bytes | None:
        """Read what is there. Returns the body once the answer is complete."""
        data = self.socket.recv(_CHUNK_BYTES)
        if not data:
            raise SystemExit("The server closed the connection.")
        self._received.append(data)
        if self._missing < 0:
            data = b"".join(self._received)
            head_length = data.find(_HEAD_END)
            if head_length < 0:
                return None
            head = data[: head_length + len(_HEAD_END)]
            if b" 200 " not in head[:16]:
                raise SystemExit(f"An answer is not 200: {data[:600].decode(errors='replace')}")
            length = _LENGTH.search(head)
            if length is None:
                raise SystemExit("An answer has no Content-Length.")
            self._received = [data[len(head) :]]
            self._missing = int(length[1]) - len(data) + len(head)
        else:
            self._missing -= len(data)
        return b"".join(self._received) if self._missing == 0 else None


def fetch(port: int, request: bytes) -> bytes:
    """Send one request. Returns the body of the answer; SystemExit if its status is not 200."""
    connection = _Connection(port)
    connection.send(request)
    with connection.socket:
        while (body := connection.receive()) is None:
            pass
    return body


def send_load(port: int, make_request: MakeRequest, *, connections: int, seconds: float) -> Load:
    """Keep so many requests under way for so long. SystemExit if an answer is not 200."""
    load = Load()
    with selectors.DefaultSelector() as selector:
        for _number in range(connections):
            connection = _Connection(port)
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        started_at = time.perf_counter()
        ends_at = started_at + seconds
        for key in list(selector.get_map().values()):
            key.data.send(make_request())
        while selector.get_map():
            for key, _events in selector.select():
                connection = key.data
                body = connection.receive()
                if body is None:
                    continue
                now = time.perf_counter()
                load.latencies.append(now - connection.sent_at)
                load.received_bytes += len(body)
                if now < ends_at:
                    connection.send(make_request())
                else:
                    selector.unregister(connection.socket)
                    connection.socket.close()
        load.seconds = time.perf_counter() - started_at
    return load
