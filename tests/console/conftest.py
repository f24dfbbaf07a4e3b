from collections.abc import Iterator

import pytest
from django.core.cache import cache

from tests.factories import make_operator
from tests.support.console import Console


@pytest.fixture
def console(db: None) -> Console:
    """An operator's console: he may do everything that the API offers."""
    return Console(make_operator("operator"))


@pytest.fixture(autouse=True)
def forget_misses() -> Iterator[None]:
    """Unknown ids are remembered in the process's cache: no test inherits them."""
    cache.clear()
    yield
    cache.clear()
