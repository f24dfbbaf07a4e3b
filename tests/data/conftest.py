"""VOD for these tests, and temporary empty databases beside the test database."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.cache import cache
from django.db import connection, connections
from pytest_django.fixtures import Settings

from tests.support.localvod import LocalVod

ALIAS = "scratch"


@pytest.fixture
def cloud(vod: LocalVod, settings: Settings) -> LocalVod:
    """The empty localvod, with the project's settings pointing at it."""
    settings.VOD_ENDPOINT = settings.CDN_ENDPOINT = vod.endpoint
    settings.CDN_DOMAINS = [vod.endpoint]
    cache.clear()
    return vod


@pytest.fixture
def empty_database(transactional_db: None, tmp_path: Path) -> Iterator[str]:
    """The name of an empty database: a file that does not exist yet, or a PostgreSQL database."""
    if connection.vendor == "sqlite":
        yield str(tmp_path / "restored.sqlite3")
        return
    name = f"scratch_{secrets.token_hex(6)}"
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
    yield name
    with connection.cursor() as cursor:
        cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def scratch(empty_database: str) -> Iterator[str]:
    """Alias of a connection to the empty database; in the settings Django would forbid it."""
    connections[ALIAS] = connection.copy(ALIAS)
    connections[ALIAS].settings_dict["NAME"] = empty_database
    yield ALIAS
    connections[ALIAS].close()
    del connections[ALIAS]
