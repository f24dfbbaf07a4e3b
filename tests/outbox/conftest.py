from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from pytest_django import Settings

from shortvideo.outbox import handlers, leases, periodic

from .support import ScriptedHandler


@pytest.fixture(autouse=True)
def _nothing_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the kinds and tasks of the test itself."""
    monkeypatch.setattr(handlers, "_handlers", {})
    monkeypatch.setattr(periodic, "_registered", {})


@pytest.fixture
def register() -> Callable[..., ScriptedHandler]:
    """Register a handler whose outcomes the test chooses."""

    def register(kind: str = "scripted", **options: Any) -> ScriptedHandler:
        handler = ScriptedHandler(kind, **options)
        handlers.register(handler)
        return handler

    return register


@pytest.fixture
def handler(register: Callable[..., ScriptedHandler]) -> ScriptedHandler:
    return register()


@pytest.fixture
def without_heartbeat(settings: Settings) -> None:
    """No lease is extended while a test runs, as if its worker were frozen."""
    settings.OUTBOX_LEASE_SECONDS = 3600


@pytest.fixture
def quick_heartbeat(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """A heartbeat each 0.1 s that extends a lease by an hour: the test itself ends the lease."""
    settings.OUTBOX_LEASE_SECONDS = 0.3

    def in_an_hour(now: datetime) -> datetime:
        return now + timedelta(hours=1)

    monkeypatch.setattr(leases, "lease_end", in_an_hour)
    monkeypatch.setattr(periodic, "lease_end", in_an_hour)
