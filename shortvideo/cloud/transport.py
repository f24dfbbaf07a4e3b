"""How a call travels: what the SDK leaves open is bounded here.

The SDK's timeouts are per packet, so a slow drip holds a call for as long as it likes; it reads
answers of any size into memory, follows redirects, and lets proxy variables of the environment
divert calls. Its requests go through a `requests.Session` that it keeps by endpoint. `install` puts
one there whose adapter knows a total deadline, a size limit and the one proxy that was configured.

Looking up a host name is the system resolver's and outside the deadline.
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
MAX_REPLY_BYTES = 8 * 1024 * 1024  # a full page of a search is below 1 MiB

POOL_SIZE = 32  # also keeps our sessions apart from those of other users of the SDK: see `install`
CHUNK_BYTES = 64 * 1024


class TransportError(Exception):
    """A failure that trying again within the same call cannot mend; its text is safe to show."""


@dataclass(slots=True)
class Call:
    """One call, retries included: when it must end, and through which proxy it goes."""

    ends_at: float  # time.monotonic()
    proxy: str
    is_guarded: bool = field(default=False)  # set when the request came through our adapter

    def remaining(self) -> float:
        return self.ends_at - time.monotonic()


_current: ContextVar[Call] = ContextVar("cloud_call")


@contextmanager
def calling(*, deadline_seconds: float, proxy: str) -> Iterator[Call]:
    """Bound everything that this thread sends to the cloud inside the block."""
    call = Call(ends_at=time.monotonic() + deadline_seconds, proxy=proxy)
    token = _current.set(call)
    try:
        yield call
    finally:
        _current.reset(token)


class _BoundedReader(io.RawIOBase):
    """A socket's incoming bytes, where each wait ends at the call's deadline."""

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
    """An answer whose status line and headers cannot drip past the deadline either."""

    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        # The reader that `makefile` made keeps the socket open while the connection is closed
        # around it, so it is wrapped and not replaced.
        self.fp = io.BufferedReader(_BoundedReader(sock, self.fp.detach()))


class BoundedConnection(HTTPConnection):
    """To be used inside `calling`: whatever comes in must have come by its deadline."""

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
        """Send and read to the end. Raises OSError where another attempt may succeed."""
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
                # Whatever the SDK found in the environment ends here.
                proxies={"http": call.proxy, "https": call.proxy} if call.proxy else {},
            )
            body = _read(response.raw)
        except (requests.RequestException, HTTPError, OSError) as error:
            if call.remaining() <= 0:
                raise TransportError("there was no answer in time") from None
            # The text of these carries the URL with its parameters: only the kind goes on.
            raise OSError(_reason(error)) from None
        if response.is_redirect:
            raise TransportError("it wants to send the call elsewhere")
        response.raw = io.BytesIO(body)
        return response


def _read(raw: BaseHTTPResponse) -> bytes:
    """Read to the end, decompressed, which gives the connection back to its pool."""
    body = bytearray()
    for chunk in raw.stream(CHUNK_BYTES, decode_content=True):
        body += chunk
        if len(body) > MAX_REPLY_BYTES:
            raw.close()
            raise TransportError(f"the answer is larger than {MAX_REPLY_BYTES} bytes")
    return bytes(body)


def _reason(error: Exception) -> str:
    if isinstance(error, requests.ConnectTimeout):
        return f"no connection within {CONNECT_SECONDS:g} s"
    if isinstance(error, requests.Timeout | ReadTimeoutError):
        return f"no answer within {READ_SECONDS:g} s"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy of CLOUD_PROXY does not let it through"
    if isinstance(error, requests.exceptions.SSLError):
        return "no secure connection"
    return "the connection failed"


def _says_nothing_of_requests(record: logging.LogRecord) -> bool:
    """Keep what shows headers (`DEBUG=sdk`) or a URL's parameters out of every log."""
    return record.levelno > logging.DEBUG


for _name in ("darabonba-core", "urllib3.connectionpool"):
    logging.getLogger(_name).addFilter(_says_nothing_of_requests)
