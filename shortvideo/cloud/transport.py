"""HTTP with a total deadline, a size limit, no redirects, and only the configured proxy.

The SDK has none of these: its timeouts are per packet, so an answer of one byte a second can hold a
call for hours. It reads answers of any size into memory, follows redirects and uses the proxy
variables of the environment. `client` puts sessions with a BoundedAdapter in place of its own.

The deadline does not cover the system's lookup of a host name.
"""

import http.client
import io
import logging
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError, ReadTimeoutError
from urllib3.response import BaseHTTPResponse

CONNECT_SECONDS = 1.0
READ_SECONDS = 2.5
_MAX_REPLY_BYTES = 8 * 1024 * 1024  # a full page of a search is below 1 MiB

POOL_SIZE = 32  # unique, so that other users of the SDK do not get our sessions
_CHUNK_BYTES = 64 * 1024


class TransportError(Exception):
    """A failure that a retry within the same call cannot fix. Its text is safe to show."""


@dataclass(slots=True)
class Call:
    """The limits of one call, retries included."""

    ends_at: float  # time.monotonic()
    proxy: str
    is_guarded: bool = field(default=False)  # set once the request passes our adapter

    def remaining(self) -> float:
        return self.ends_at - time.monotonic()


_current: ContextVar[Call] = ContextVar("cloud_call")


@contextmanager
def bounded_call(*, deadline_seconds: float, proxy: str) -> Iterator[Call]:
    """Apply a deadline and a proxy to all requests that this thread sends inside the block."""
    call = Call(ends_at=time.monotonic() + deadline_seconds, proxy=proxy)
    token = _current.set(call)
    try:
        yield call
    finally:
        _current.reset(token)


class _BoundedReader(io.RawIOBase):
    """Reads from a socket; each wait ends at the call's deadline."""

    def __init__(self, sock: socket.socket, raw: io.RawIOBase) -> None:
        super().__init__()
        self._sock, self._raw = sock, raw
        self._read_seconds = sock.gettimeout() or READ_SECONDS
        self._call = _current.get()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        remaining = self._call.remaining()
        if remaining <= 0:
            raise TimeoutError
        self._sock.settimeout(min(self._read_seconds, remaining))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


class _BoundedResponse(http.client.HTTPResponse):
    """Applies the deadline to the status line and the headers too."""

    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        # Wrap the reader that `makefile` made, do not replace it: it keeps the socket open when
        # the connection is closed before the body is read.
        self.fp = io.BufferedReader(_BoundedReader(sock, self.fp.detach()))


class BoundedConnection(HTTPConnection):
    """Use it inside `bounded_call`: all reading ends at its deadline."""

    response_class = _BoundedResponse


class BoundedSecureConnection(HTTPSConnection):
    """The same over TLS."""

    response_class = _BoundedResponse


class _Pool(HTTPConnectionPool):
    ConnectionCls = BoundedConnection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = BoundedSecureConnection


_POOL_CLASSES = {"http": _Pool, "https": _SecurePool}


class BoundedAdapter(HTTPAdapter):
    """Sends within the deadline, reads up to the size limit, uses the configured proxy or none."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = _POOL_CLASSES

    def proxy_manager_for(self, *arguments: Any, **options: Any) -> Any:
        manager = super().proxy_manager_for(*arguments, **options)
        manager.pool_classes_by_scheme = _POOL_CLASSES
        return manager

    def send(self, request: requests.PreparedRequest, *_: Any, **options: Any) -> requests.Response:
        """Send and read the whole answer. OSError: a retry may help; TransportError: it cannot."""
        call = _current.get()
        call.is_guarded = True
        remaining = call.remaining()
        if remaining <= 0:
            raise TransportError("there was no answer in time")
        try:
            response = super().send(
                request,
                stream=True,
                timeout=(min(CONNECT_SECONDS, remaining), min(READ_SECONDS, remaining)),
                verify=options.get("verify", True),
                cert=options.get("cert"),
                # Ignore the proxies that the SDK found in the environment.
                proxies={"http": call.proxy, "https": call.proxy} if call.proxy else {},
            )
            body = _read(response.raw)
        except (requests.RequestException, HTTPError, OSError) as error:
            if call.remaining() <= 0:
                raise TransportError("there was no answer in time") from None
            # These texts hold the URL with its parameters: pass on only the kind of error.
            raise OSError(_reason(error)) from None
        if response.is_redirect:
            raise TransportError("it redirects the call")
        response.raw = io.BytesIO(body)
        return response


def _read(raw: BaseHTTPResponse) -> bytes:
    """Read and decompress the whole body, which returns the connection to its pool."""
    body = bytearray()
    for chunk in raw.stream(_CHUNK_BYTES, decode_content=True):
        body += chunk
        if len(body) > _MAX_REPLY_BYTES:
            raw.close()
            raise TransportError(f"the answer is larger than {_MAX_REPLY_BYTES} bytes")
    return bytes(body)


def _reason(error: Exception) -> str:
    if isinstance(error, requests.ConnectTimeout):
        return f"no connection within {CONNECT_SECONDS:g} s"
    if isinstance(error, requests.Timeout | ReadTimeoutError):
        return f"no answer within {READ_SECONDS:g} s"
    if isinstance(error, requests.exceptions.ProxyError):
        return "no connection through the proxy of CLOUD_PROXY"
    if isinstance(error, requests.exceptions.SSLError):
        return "no secure connection"
    return "the connection failed"


def _is_safe_to_log(record: logging.LogRecord) -> bool:
    """Drop debug lines: they show headers (`DEBUG=sdk`) or the parameters of URLs."""
    return record.levelno > logging.DEBUG


for _name in ("darabonba-core", "urllib3.connectionpool"):
    logging.getLogger(_name).addFilter(_is_safe_to_log)
