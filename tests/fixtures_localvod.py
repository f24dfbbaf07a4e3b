"""pytest plugin: one localvod per session, emptied before each test that asks for it."""

from collections.abc import Iterator

import pytest

from tests.support.localvod import LocalVod


@pytest.fixture(scope="session")
def localvod_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalVod]:
    """One process on a free port, its state in a temporary folder."""
    with LocalVod(tmp_path_factory.mktemp("localvod")) as server:
        yield server


@pytest.fixture
def vod(localvod_server: LocalVod) -> LocalVod:
    """That process without videos, faults or memories of an earlier test."""
    localvod_server.reset()
    return localvod_server
