"""uvicorn's HTTP protocol with two additions: one send per answer, and `hang_up`."""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.h11_impl import H11Protocol

_open: dict[tuple[str, int], asyncio.Transport] = {}  # by address and port of the client


def hang_up(client: tuple[str, int]) -> None:
    """Abort the connection of a client, without an answer."""
    transport = _open.get(client)
    if transport is not None:
        transport.abort()


class _Gathered:
    """A transport that sends all writes of one turn of the event loop at once.

    uvicorn writes head and body separately; with delayed acknowledgements that costs up to 40 ms.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._parts: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._parts:
            self._loop.call_soon(self._flush)
        self._parts.append(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        parts, self._parts = self._parts, []
        if parts and not self._transport.is_closing():
            self._transport.write(b"".join(parts))


class Protocol(H11Protocol):
    """H11Protocol over a gathering transport; `hang_up` finds it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        stream = cast("asyncio.Transport", transport)
        peer = stream.get_extra_info("peername")
        self._peer: tuple[str, int] = (str(peer[0]), int(peer[1]))
        _open[self._peer] = stream
        super().connection_made(cast("asyncio.Transport", _Gathered(stream)))

    def connection_lost(self, exc: Exception | None) -> None:
        _open.pop(self._peer, None)
        super().connection_lost(exc)
