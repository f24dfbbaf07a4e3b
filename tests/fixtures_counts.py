"""pytest plugin: after each test the counts of videos are exact, whatever wrote."""

from collections.abc import Iterator

import pytest
from django.db import connection

from videos.catalogue.counts import count_wrong
from videos.models import CountKind


@pytest.fixture(autouse=True)
def _totals_are_exact(request: pytest.FixtureRequest) -> Iterator[None]:
    uses_database = {"db", "transactional_db"} & {*request.fixturenames}
    if not (uses_database or request.node.get_closest_marker("django_db")):
        yield
        return
    request.getfixturevalue("db")  # so that the database is there when this fixture ends
    yield
    is_open = connection.connection is not None and not connection.needs_rollback
    if connection.vendor == "postgresql" and is_open and connection.is_usable():
        wrong = {kind.label: count_wrong(kind) for kind in CountKind}
        assert not any(wrong.values()), wrong
