"""pytest plugin: the copies that tests archive go when the run ends."""

import shutil
from collections.abc import Iterator

import pytest
from django.conf import settings


@pytest.fixture(autouse=True, scope="session")
def _evidence_is_removed_with_the_run() -> Iterator[None]:
    yield
    shutil.rmtree(settings.STORAGES["evidence"]["OPTIONS"]["location"], ignore_errors=True)
