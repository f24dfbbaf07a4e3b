"""A PostgreSQL cluster of a test's own, for tests that restart or break the server."""

from collections.abc import Iterator

import pytest

from runner.postgres import PrivateCluster, binaries

DURABLE = {"fsync": "off"}  # commits reach the log file, as after a crash of the server they must


@pytest.fixture
def private_postgres() -> Iterator[PrivateCluster]:
    """A running cluster: its `url`, `stop()` and `restart()`; the machine must have PostgreSQL."""
    folder = binaries()
    if folder is None:
        pytest.skip("no PostgreSQL binaries found (PATH, /usr/lib/postgresql/*/bin)")
    with PrivateCluster(folder, settings=DURABLE) as cluster:
        yield cluster
