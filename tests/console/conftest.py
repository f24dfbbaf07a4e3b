from collections.abc import Iterator

import pytest
from django.core.cache import cache

from tests.factories import make_operator
from tests.support.console import Console


@pytest.fixture
def console(db: None) -> Console:
    """The console of an operator who may call every operation of the API."""
    return Console(make_operator("operator"))


@pytest.fixture(autouse=True)
def forget_misses() -> Iterator[None]:
    """Clear the process's cache of unknown ids before and after each test."""
    cache.clear()
    yield
    cache.clear()
