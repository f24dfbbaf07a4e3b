from collections.abc import Callable
from typing import Any

import pytest

from shortvideo.outbox import handlers, periodic

from .support import ScriptedHandler


@pytest.fixture(autouse=True)
def _nothing_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the kinds and tasks of the test itself."""
    monkeypatch.setattr(handlers, "_handlers", {})
    monkeypatch.setattr(periodic, "_registered", {})


@pytest.fixture
def register() -> Callable[..., ScriptedHandler]:
    """Registers a handler that does as the test says."""

    def register(kind: str = "scripted", **options: Any) -> ScriptedHandler:
        handler = ScriptedHandler(kind, **options)
        handlers.register(handler)
        return handler

    return register


@pytest.fixture
def handler(register: Callable[..., ScriptedHandler]) -> ScriptedHandler:
    return register()
