from collections.abc import Iterator

import pytest

from shortvideo.webhooks import deliveries
from tests.admin.conftest import desk_of  # noqa: F401 - a fixture
from tests.support.receiver import Receiver
from tests.videos.conftest import cloud  # noqa: F401 - a fixture


@pytest.fixture(autouse=True)
def _long_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is, a batch sends all that it can."""
    monkeypatch.setattr(deliveries, "TURN_SECONDS", 60.0)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """The backend: an HTTP server that takes every event, until a test says otherwise."""
    with Receiver() as server:
        yield server


@pytest.fixture
def other() -> Iterator[Receiver]:
    """Another one."""
    with Receiver() as server:
        yield server
