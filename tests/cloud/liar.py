"""A fake cloud that answers exactly what a test sets, down to single bytes."""

import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

Behaviour = Callable[["Exchange"], None]
TLS_HANDSHAKE = b"\x16"
REQUEST_ID = "0A1B2C3D-REQUEST"


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    headers: dict[str, str]

    @property
    def action(self) -> str:
        return self.headers.get("x-acs-action", "")

    @property
    def parameters(self) -> dict[str, str]:
        query = urlsplit(self.target).query
        return {name: values[0] for name, values in parse_qs(query).items()}


@dataclass
class Exchange:
    """One request and the socket to answer it on."""

    request: Request
    sock: socket.socket
    stopping: threading.Event
    is_over: bool = False  # nothing more is read from the connection


def answer(
    content: Any = None, *, status: int = 200, headers: dict[str, str] | None = None
) -> Behaviour:
    """Answer with JSON (a RequestId is added to objects) or with the bytes given."""

    def behave(exchange: Exchange) -> None:
        body = content
        if not isinstance(body, bytes):
            whole = {"RequestId": REQUEST_ID, **content} if isinstance(content, dict) else content
            body = json.dumps(whole if content is not None else {"RequestId": REQUEST_ID}).encode()
        exchange.sock.sendall(head(len(body), status=status, headers=headers) + body)

    return behave


def raw_json(content: Any) -> Behaviour:
    """Answer with exactly this JSON."""
    return answer(json.dumps(content).encode())


def refusal(
    code: str, status: int = 400, *, message: str = "No.", headers: dict[str, str] | None = None
) -> Behaviour:
    return answer({"Code": code, "Message": message, "HostId": "h"}, status=status, headers=headers)


def head(length: int, *, status: int = 200, headers: dict[str, str] | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {length}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode()


def hang(exchange: Exchange) -> None:
    """Send nothing and keep the connection open."""
    exchange.is_over = True
    exchange.stopping.wait()


def hang_up(exchange: Exchange) -> None:
    """Close the connection without an answer."""
    exchange.is_over = True


def reset(exchange: Exchange) -> None:
    exchange.is_over = True
    exchange.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@dataclass
class Drip:
    """Send `start`, then one byte every 50 ms, for ten seconds or until the client leaves."""

    start: bytes = b""
    is_finished: bool = False

    def __call__(self, exchange: Exchange) -> None:
        exchange.is_over = True
        try:
            exchange.sock.sendall(self.start)
            for _ in range(200):
                exchange.sock.sendall(b"x")
                if exchange.stopping.wait(0.05):
                    return
        except OSError:
            return
        self.is_finished = True


@dataclass
class Flood:
    """Announce and send `size` bytes; `sent` counts the bytes that the client took."""

    size: int
    sent: int = 0

    def __call__(self, exchange: Exchange) -> None:
        exchange.is_over = True
        block = b" " * 65536
        try:
            exchange.sock.sendall(head(self.size))
            while self.sent < self.size:
                exchange.sock.sendall(block)
                self.sent += len(block)
        except OSError:
            return


@dataclass
class Liar:
    """A server on loopback. `says` sets a behaviour for each request; the last one repeats."""

    behaviours: list[Behaviour] = field(default_factory=lambda: [answer()])
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    tls: ssl.SSLContext | None = None

    def __post_init__(self) -> None:
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.endpoint = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._start(self._accept)

    def says(self, *behaviours: Behaviour) -> Self:
        with self._lock:
            self.behaviours = list(behaviours)
            self.requests.clear()
        return self

    @property
    def actions(self) -> list[str]:
        return [request.action for request in self.requests]

    def stop(self) -> None:
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for sock in self._open:
                with suppress(OSError):  # the client may have left already
                    sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(timeout=10)

    def _start(self, target: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._start(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        try:
            if self.tls:
                sock = self.tls.wrap_socket(sock, server_side=True)
            with self._lock:
                self._open.add(sock)
            self._converse(sock)
        except OSError:
            return  # the client left
        finally:
            with self._lock:
                self._open.discard(sock)
            sock.close()

    def _converse(self, sock: socket.socket) -> None:
        reader = sock.makefile("rb")
        with reader:
            while request := _read_request(reader):
                with self._lock:
                    self.requests.append(request)
                    many = len(self.behaviours) > 1
                    behave = self.behaviours.pop(0) if many else self.behaviours[0]
                exchange = Exchange(request, sock, self._stopping)
                behave(exchange)
                if exchange.is_over:
                    return


def _read_request(reader: Any) -> Request | None:
    if reader.peek(1)[:1] == TLS_HANDSHAKE:
        return None  # it speaks plain HTTP only
    first = reader.readline().decode().split()
    if not first:
        return None
    headers: dict[str, str] = {}
    while line := reader.readline().decode().strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    reader.read(int(headers.get("content-length", 0)))
    return Request(first[0], first[1], headers)
