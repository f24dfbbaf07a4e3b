"""The web server: gunicorn keeps the processes alive, waitress reads and writes in each.

A thread gets a request once it has been read completely, and leaves its answer to the main thread.
So a client that sends or reads slowly holds a socket, never a thread. `gunicorn.conf.py` names
`BufferingWorker`.
"""

import os
import re
import socket
import time
import uuid
from contextlib import suppress
from typing import Any, Final

import structlog
from django.core.exceptions import ImproperlyConfigured
from gunicorn.errors import AppImportError
from gunicorn.workers.base import Worker
from waitress import create_server, wasyncore
from waitress.channel import ClientDisconnected, HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.server import BaseWSGIServer
from waitress.task import ErrorTask, WSGITask
from waitress.utilities import BadRequest, Error

from shortvideo.cors import allow_origin
from shortvideo.door import answer
from shortvideo.fair_sqlite.base import write_gate
from shortvideo.handler import RECEIVED_AT

# From the first byte of a request to its last.
READ_SECONDS: Final = 30
# An idle connection is kept a little longer than its answers promise.
_KEEP_ALIVE_SECONDS: Final = 60
# Of the answers to one client. One that asks for more and reads nothing is cut off.
UNREAD_BYTES: Final = 16 * 1_048_576
_IDLE_SECONDS: Final = 65
_LONGEST_LINE: Final = 8_190  # of the request: method, path and query
_LONGEST_HEAD: Final = 65_536
# More than any limit of the application, which then refuses with its own sentence.
_LONGEST_BODY: Final = 4 * 1_048_576
_SENTENCES: Final = {
    400: "The request is no well-formed HTTP.",
    413: "The body is too long.",
    414: f"The first line of the request is longer than {_LONGEST_LINE} bytes.",
    431: f"The headers are longer than {_LONGEST_HEAD} bytes.",
    500: "This is a defect of the server; its log tells more.",
    501: "The only Transfer-Encoding that this server reads is chunked.",
}


_BARE_LINE_FEED: Final = re.compile(rb"(?<!\r)\n")
_CONTROL_CHARACTER: Final = re.compile(rb"[\x00-\x1f\x7f]")
_CODINGS: Final = re.compile(rb"(?im)^transfer-encoding:[ \t]*(.*?)[ \t]*\r?$")
_READABLE_CODINGS: Final[list[list[bytes]]] = [[], [b"chunked"]]
_ORIGIN: Final = re.compile(rb"(?im)^origin:[ \t]*(\S*)")
_SCHEME_AND_HOST: Final = re.compile(r"^\w+://[^/?]*")


class _LineTooLong(Error):  # type: ignore[misc]  # waitress has no types
    code = 414
    reason = "URI Too Long"


class _Parser(HTTPRequestParser):  # type: ignore[misc]
    """Refuses what two programs could read in two ways (RFC 9112), for example two lengths.

    Keeps the head, which also a refusal needs.
    """

    head = b""
    received_at = 0.0  # time.monotonic() of the last byte

    def received(self, data: bytes) -> int:
        if not self.headers_finished:
            self.head = (self.head + data).lstrip()[:_LONGEST_HEAD]
        consumed: int = super().received(data)
        self.received_at = time.monotonic()
        if not self.headers_finished and _BARE_LINE_FEED.search(self.head[-len(data) - 1 :]):
            # No end of the head may follow that would be one for waitress.
            self._refuse(BadRequest(""))
        if self.completed:
            if len(self.first_line_of_head) > _LONGEST_LINE:
                self._refuse(_LineTooLong(""))
            self.expect_continue = False  # it needs no body: the answer follows at once
        return consumed

    def parse_header(self, header_plus: bytes) -> None:
        try:
            super().parse_header(header_plus)
        except ValueError as error:  # of a number with 5,000 digits, or of `http://[::1/`
            raise ParsingError(str(error)) from error
        codings = [coding.lower() for coding in _CODINGS.findall(header_plus)]
        if (
            self.version not in ("1.0", "1.1")
            or _CONTROL_CHARACTER.search(header_plus.partition(b"\r\n")[0])
            or b"\r\n " in header_plus
            or b"\r\n\t" in header_plus
            or (codings and "CONTENT_LENGTH" in self.headers)
            or (self.version == "1.1" and codings not in _READABLE_CODINGS)
        ):
            raise ParsingError("")

    @property
    def first_line_of_head(self) -> bytes:
        return self.head.partition(b"\r\n")[0]

    def _refuse(self, error: Error) -> None:
        self.error = error
        self.completed = True


class _Task(WSGITask):  # type: ignore[misc]
    def get_environment(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environment()
        return environ | {RECEIVED_AT: self.request.received_at}

    def write(self, data: bytes) -> None:
        """Write a part of the answer; that to HEAD has no body."""
        super().write(b"" if self.request.command == "HEAD" else data)

    def build_response_header(self) -> bytes:
        """Tell the client how long it may keep the connection for its next request."""
        head: bytes = super().build_response_header()
        if self.close_on_finish:
            return head
        return head[:-2] + f"Keep-Alive: timeout={_KEEP_ALIVE_SECONDS}\r\n\r\n".encode()


class _ErrorTask(ErrorTask):  # type: ignore[misc]
    """Refuses what waitress could not read in the dialect of the path, under a request id."""

    def execute(self) -> None:
        code, sentence = self.request.error.code, _SENTENCES[self.request.error.code]
        line = self.request.first_line_of_head.decode("latin-1")
        path = _SCHEME_AND_HOST.sub("", line.partition(" ")[2]).partition("?")[0].split(" ")[0]
        origin = _ORIGIN.search(self.request.head)
        request_id = str(uuid.uuid4())
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = answer(path, code, sentence, {"X-Request-Id": request_id})
        allow_origin(response, path, origin[1].decode("latin-1") if origin else "")
        self.status = f"{response.status_code} {response.reason_phrase}"
        self.response_headers.extend(response.items())
        self.content_length = len(response.content)
        self.set_close_on_finish()
        self.channel.is_refused = True
        self.write(b"" if line.startswith("HEAD ") else response.content)


class _Channel(HTTPChannel):  # type: ignore[misc]
    """One connection. `reading_since` is when the request began that is not complete yet.

    After a refusal the rest is read and thrown away: if the connection were closed at once, a
    client that sends its whole body first would see a broken connection instead of the answer.
    """

    parser_class = _Parser
    task_class = _Task
    error_task_class = _ErrorTask
    reading_since = 0.0
    is_choked = False
    is_refused = False
    discards_until = 0.0
    will_close = False

    def write_soon(self, data: Any) -> int:
        """Queue a part of an answer, or raise ClientDisconnected. No thread waits for a client."""
        if self.total_outbufs_len > UNREAD_BYTES:
            self.is_choked = True
            self.server.pull_trigger()
            raise ClientDisconnected
        written: int = super().write_soon(data)
        return written

    def _flush_outbufs_below_high_watermark(self) -> None:
        """Where waitress would wait, `write_soon` cuts the client off."""

    def handle_close(self) -> None:
        if self.is_refused and self.will_close:
            self.is_refused = self.will_close = False
            self.discards_until = time.time() + READ_SECONDS
            with suppress(OSError):  # the client has closed
                self.socket.shutdown(socket.SHUT_WR)
                return
        super().handle_close()

    def received(self, data: bytes) -> bool:
        if self.discards_until:
            return False
        before = self.request
        is_taken: bool = super().received(data)
        if self.request is not before:
            self.reading_since = time.time()
        return is_taken

    def readable(self) -> bool:
        """Close the connection of a request that takes too long. Called once a second at least."""
        is_reading = self.request is not None and not self.requests
        if is_reading and time.time() - self.reading_since > READ_SECONDS:
            self.will_close = True
        if self.discards_until and time.time() > self.discards_until:
            self.will_close = True
        can_read: bool = super().readable()
        return can_read

    @property
    def is_busy(self) -> bool:
        return bool(self.requests or self.total_outbufs_len)


class BufferingWorker(Worker):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's worker class: `threads`, `worker_connections` and `graceful_timeout` apply."""

    def load_wsgi(self) -> None:
        """A refused setting stops gunicorn with its sentence, without a traceback."""
        try:
            super().load_wsgi()
        except ImproperlyConfigured as error:
            raise AppImportError(str(error)) from error

    def run(self) -> None:
        write_gate.places = max(self.cfg.threads // 2, 1)
        sockets: dict[int, Any] = {}  # what waitress watches: listeners, channels, a pipe
        server = create_server(
            self.wsgi,
            map=sockets,
            sockets=[listener.sock for listener in self.sockets],
            threads=self.cfg.threads,
            connection_limit=self.cfg.worker_connections,
            channel_timeout=_IDLE_SECONDS,
            cleanup_interval=1,
            max_request_header_size=_LONGEST_HEAD,
            max_request_body_size=_LONGEST_BODY,
            outbuf_high_watermark=UNREAD_BYTES,
            asyncore_use_poll=True,
            log_socket_errors=False,  # clients that went away
            clear_untrusted_proxy_headers=False,  # TRUSTED_PROXY_COUNT and BEHIND_TLS_PROXY decide
            ident=None,
        )
        listeners = [item for item in sockets.values() if isinstance(item, BaseWSGIServer)]
        for listener in listeners:
            listener.channel_class = _Channel
        while self.alive and os.getppid() == self.ppid:
            self._serve(sockets)
        for listener in listeners:
            listener.accepting = False
        self._finish(sockets)
        server.task_dispatcher.shutdown(timeout=1)

    def _serve(self, sockets: dict[int, Any], seconds: float = 1) -> None:
        self.notify()
        wasyncore.loop(timeout=seconds, use_poll=True, map=sockets, count=1)
        for item in [*sockets.values()]:
            if isinstance(item, _Channel) and item.is_choked:
                item.handle_close()

    def _finish(self, sockets: dict[int, Any]) -> None:
        """Answer the requests that have been read."""
        ends_at = time.monotonic() + self.cfg.graceful_timeout
        while time.monotonic() < ends_at:
            channels = [item for item in sockets.values() if isinstance(item, _Channel)]
            if not any(channel.is_busy for channel in channels):
                return
            self._serve(sockets, 0.1)
