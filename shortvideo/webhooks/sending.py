"""One POST: bounded in time and size, never redirected, never to a forbidden address."""

import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from shortvideo.cloud.transport import BoundedConnection, BoundedSecureConnection, bounded_call

from .addresses import is_allowed

_CONNECT_SECONDS: Final = 2.0
_READ_BYTES: Final = 16 * 1024  # of the answer's body, which is dropped; keeps the connection


class _ForbiddenAddress(Exception):
    """The host's address may not be called."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a POST.

    `status` is None if there was no answer. `error` is one sentence, safe to show; empty if the
    endpoint took the event.
    """

    status: int | None
    milliseconds: int
    error: str

    @property
    def is_accepted(self) -> bool:
        return not self.error

    @property
    def is_gone(self) -> bool:
        return self.status == 410


def _require_allowed(sock: socket.socket) -> socket.socket:
    """Raises _ForbiddenAddress if the peer's address is not allowed.

    Checked here, because a name may resolve to another address at each connection.
    """
    address = ip_address(sock.getpeername()[0].partition("%")[0])
    if not is_allowed(address):
        sock.close()
        raise _ForbiddenAddress
    return sock


class _Connection(BoundedConnection):
    def _new_conn(self) -> socket.socket:
        return _require_allowed(super()._new_conn())


class _SecureConnection(BoundedSecureConnection):
    def _new_conn(self) -> socket.socket:
        return _require_allowed(super()._new_conn())


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}


def new_session() -> requests.Session:
    """A session for one endpoint; ignores proxies and passwords of the environment."""
    session = requests.Session()
    session.trust_env = False
    session.headers = requests.structures.CaseInsensitiveDict(
        {"User-Agent": "ShortVideoConsole-Webhooks/1", "Content-Type": "application/json"}
    )
    for scheme in ("https://", "http://"):
        session.mount(scheme, _Adapter())
    return session


def post(session: requests.Session, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Send one event within `WEBHOOK_TIMEOUT` seconds, whatever the endpoint does."""
    started_at = time.monotonic()
    status: int | None = None
    try:
        status = _post_status(session, url, body, headers)
        error = _status_error(status)
    except _ForbiddenAddress:
        error = "The host resolves to an address that may not be called."
    except (requests.RequestException, HTTPError, OSError, ValueError) as problem:
        error = _failure_error(problem)
    return Answer(status, round((time.monotonic() - started_at) * 1000), error)


def _post_status(
    session: requests.Session, url: str, body: bytes, headers: Mapping[str, str]
) -> int:
    seconds = settings.WEBHOOK_TIMEOUT
    with (
        bounded_call(deadline_seconds=seconds, proxy=""),
        session.post(
            url,
            data=body,
            headers=dict(headers),
            timeout=(min(_CONNECT_SECONDS, seconds), seconds),
            allow_redirects=False,
            stream=True,
        ) as response,
    ):
        # Only the status counts. A short body is read, so that the connection can be used again.
        with suppress(HTTPError, OSError):
            response.raw.read(_READ_BYTES)
        return response.status_code


def _status_error(status: int) -> str:
    if 200 <= status < 300:
        return ""
    if 300 <= status < 400:
        return f"It answered {status}; redirects are not followed."
    return f"It answered {status}."


def _failure_error(problem: Exception) -> str:
    """A sentence without the URL, which the exception's own text contains."""
    if isinstance(problem, requests.ConnectTimeout):
        return f"No connection within {min(_CONNECT_SECONDS, settings.WEBHOOK_TIMEOUT):g} seconds."
    if isinstance(problem, requests.Timeout | TimeoutError):
        return f"No answer within {settings.WEBHOOK_TIMEOUT:g} seconds."
    if isinstance(problem, requests.exceptions.SSLError):
        return "No secure connection: the certificate is not valid, or the host does not speak TLS."
    if isinstance(problem, requests.exceptions.InvalidURL | ValueError):
        return "The URL cannot be called."
    return "The connection failed."
