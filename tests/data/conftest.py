"""VOD for these tests."""

import pytest
from django.core.cache import cache
from pytest_django.fixtures import Settings

from tests.support.localvod import LocalVod


@pytest.fixture
def cloud(vod: LocalVod, settings: Settings) -> LocalVod:
    """The empty localvod, with the project's settings pointing at it."""
    settings.VOD_ENDPOINT = settings.CDN_ENDPOINT = vod.endpoint
    settings.CDN_DOMAINS = [vod.endpoint]
    cache.clear()
    return vod
