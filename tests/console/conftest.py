from collections.abc import Iterator

import pytest
from django.core.cache import cache
from pytest_django.fixtures import Settings

from tests.factories import make_operator
from tests.support.console import Console
from tests.support.localvod import LocalVod


@pytest.fixture
def console(db: None) -> Console:
    """The console of an operator who may call every operation of the API."""
    return Console(make_operator("operator"))


@pytest.fixture
def cloud(vod: LocalVod, settings: Settings) -> LocalVod:
    """localvod, with the project's settings pointing at it."""
    settings.VOD_ENDPOINT = settings.CDN_ENDPOINT = vod.endpoint
    settings.CDN_DOMAINS = [vod.endpoint]
    return vod


@pytest.fixture(autouse=True)
def forget_misses() -> Iterator[None]:
    """Clear the process's cache of unknown ids before and after each test."""
    cache.clear()
    yield
    cache.clear()
