"""Run the server. It binds its socket first, so that the port is known to the cloud."""

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


class PortTakenError(OSError):
    """The port cannot be bound; the message is one sentence."""


def _bind_socket(host: str, port: int) -> socket.socket:
    """Bind a socket; port 0 takes a free port. Raises PortTakenError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise PortTakenError(f"Cannot listen on {host}:{port}: {error.strerror}.") from error
    return sock


def _with_address(settings: Settings, sock: socket.socket) -> Settings:
    """The settings with the bound port, and with a CDN domain."""
    port = sock.getsockname()[1]
    domain = settings.cdn_domain or f"{settings.host}:{port}"
    return dataclasses.replace(settings, port=port, cdn_domain=domain)


def serve(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM; print the address on standard output."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    for number in (signal.SIGINT, signal.SIGTERM):
        # uvicorn shuts down and then raises the signal again: this handler ends with status 0.
        signal.signal(number, _exit_cleanly)
    sock = _bind_socket(settings.host, settings.port)
    cloud = Cloud(_with_address(settings, sock))
    config = uvicorn.Config(
        create_app(cloud),
        http=Protocol,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=3,
    )
    server = _Server(config, cloud.address)
    asyncio.run(server.serve(sockets=[sock]))


def _exit_cleanly(*_: object) -> NoReturn:
    sys.exit(0)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, address: str) -> None:
        super().__init__(config)
        self._address = address

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        print(f"listening on http://{self._address}", flush=True)
