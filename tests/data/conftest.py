"""Databases beside that of the tests: empty, of the same kind, gone at the end."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection, connections

ALIAS = "scratch"


@pytest.fixture
def empty_database(transactional_db: None, tmp_path: Path) -> Iterator[str]:
    """The name of an empty database: a file that is not there yet, or one of PostgreSQL's."""
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
    """The alias of a connection to it. It is in no settings: Django would forbid it to a test."""
    connections[ALIAS] = connection.copy(ALIAS)
    connections[ALIAS].settings_dict["NAME"] = empty_database
    yield ALIAS
    connections[ALIAS].close()
    del connections[ALIAS]
