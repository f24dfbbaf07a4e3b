from collections.abc import Iterator

import pytest

from shortvideo.webhooks import deliveries
from tests.admin.conftest import desk_of  # noqa: F401 - a fixture
from tests.support.receiver import Receiver
from tests.videos.conftest import cloud  # noqa: F401 - a fixture


@pytest.fixture(autouse=True)
def _long_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a batch send all its events, even on a slow machine."""
    monkeypatch.setattr(deliveries, "TURN_SECONDS", 60.0)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """The backend: an HTTP server that accepts every event unless a test sets its answer."""
    with Receiver() as server:
        yield server


@pytest.fixture
def other() -> Iterator[Receiver]:
    """Another backend."""
    with Receiver() as server:
        yield server
