"""pytest plugin: a test that commits may leave lines in the append-only log; they go with it."""

from collections.abc import Iterator

import pytest
from django.test import TransactionTestCase

from videos.models import append_only


@pytest.fixture(autouse=True, scope="session")
def _log_is_emptied_after_each_test() -> Iterator[None]:
    """Lift the triggers while Django empties the tables after a test."""
    with pytest.MonkeyPatch.context() as patch:
        empty = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]  # the stubs lack it

        def empty_with_log(case: TransactionTestCase) -> None:
            with append_only.suspended():
                empty(case)

        patch.setattr(TransactionTestCase, "_fixture_teardown", empty_with_log)
        yield
