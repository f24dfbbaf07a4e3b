"""Running the server: a socket first, so that a free port is known before anything else."""

import asyncio
import dataclasses
import logging
import signal
import socket
import sys
from typing import NoReturn

import uvicorn

from localvod.app import create_app
from localvod.cloud import Cloud
from localvod.connections import Protocol
from localvod.settings import Settings

LISTENING = "listening on http://"


class PortTakenError(OSError):
    """Another process listens on the port; the message says so in one sentence."""


def listening_socket(host: str, port: int) -> socket.socket:
    """A bound socket; port 0 takes a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise PortTakenError(f"Cannot listen on {host}:{port}: {error.strerror}.") from error
    return sock


def resolved(settings: Settings, sock: socket.socket) -> Settings:
    """The settings with the port really listened on, and a CDN domain."""
    port = sock.getsockname()[1]
    domain = settings.cdn_domain or f"{settings.host}:{port}"
    return dataclasses.replace(settings, port=port, cdn_domain=domain)


def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM; says on standard output where."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    for number in (signal.SIGINT, signal.SIGTERM):
        # uvicorn stops in order and then raises the signal again: that ends in status 0.
        signal.signal(number, _leave)
    sock = listening_socket(settings.host, settings.port)
    cloud = Cloud(resolved(settings, sock))
    config = uvicorn.Config(
        create_app(cloud),
        http=Protocol,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=3,
    )
    server = _Server(config, f"{LISTENING}{cloud.address}")
    asyncio.run(server.serve(sockets=[sock]))


def _leave(*_: object) -> NoReturn:
    sys.exit(0)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, announcement: str) -> None:
        super().__init__(config)
        self._announcement = announcement

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        sys.stdout.write(f"{self._announcement}\n")
        sys.stdout.flush()
