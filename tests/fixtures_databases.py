"""pytest plugin: databases beside the test database, empty or migrated.

A migration from nothing takes seconds. Each session migrates once, and tests get copies.
"""

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from django.core.management import call_command
from django.db import connection, connections
from pytest_django.plugin import DjangoDbBlocker

from tests.support.localvod import ROOT

ALIAS: Final = "scratch"
# The earliest state of a database that an upgrade may begin with.
FIRST: Final = [
    ("accounts", "0003_token_request_id"),
    ("outbox", "0002_fault_count"),
    ("recommendations", "0001_initial"),
    ("videos", "0002_claims_and_turns"),
]


def migrate(alias: str, *target: str) -> None:
    call_command("migrate", *target, database=alias, verbosity=0)


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """pytest-django's test database. Yields the name of a copy, made before its use."""
    with django_db_blocker.unblock():
        connection.close()
        name = _create(tmp_path_factory.mktemp("migrated"), connection.settings_dict["NAME"])
    yield name
    with django_db_blocker.unblock():
        _drop(name)


@pytest.fixture(scope="session")
def _first(
    django_db_setup: str,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """Name of a database in the state FIRST."""
    with django_db_blocker.unblock():
        name = _create(tmp_path_factory.mktemp("first"))
        with _connected(name) as alias:
            for target in FIRST:
                migrate(alias, *target)
    yield name
    with django_db_blocker.unblock():
        _drop(name)


@pytest.fixture(scope="session")
def migrated_file(django_db_setup: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite database, whatever database the tests run on. Tests copy it."""
    if connection.vendor == "sqlite":
        return Path(django_db_setup)
    path = tmp_path_factory.mktemp("migrated") / "db.sqlite3"
    environment = {**os.environ, "TESTING": "true", "DATABASE_URL": f"sqlite:///{path}"}
    command = [sys.executable, "manage.py", "migrate", "--verbosity=0", "--skip-checks"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True)
    return path


@pytest.fixture
def empty_database(transactional_db: None, tmp_path: Path) -> Iterator[str]:
    """The name of an empty database: an empty file, or a PostgreSQL database."""
    name = _create(tmp_path)
    yield name
    _drop(name)


@pytest.fixture
def scratch(empty_database: str) -> Iterator[str]:
    """Alias of a connection to the empty database; in the settings Django would forbid it."""
    with _connected(empty_database) as alias:
        yield alias


@pytest.fixture
def migrated(transactional_db: None, django_db_setup: str, tmp_path: Path) -> Iterator[str]:
    """Alias of a connection to a database that has applied all migrations."""
    name = _create(tmp_path, django_db_setup)
    with _connected(name) as alias:
        yield alias
    _drop(name)


@pytest.fixture
def first(transactional_db: None, _first: str, tmp_path: Path) -> Iterator[str]:
    """Alias of a connection to a database in the state FIRST."""
    name = _create(tmp_path, _first)
    with _connected(name) as alias:
        yield alias
    _drop(name)


def _create(folder: Path, template: str = "") -> str:
    """Copy a database without connections, or create an empty one. Returns its name."""
    name = f"scratch_{secrets.token_hex(6)}"
    if connection.vendor == "sqlite":
        path = folder / f"{name}.sqlite3"
        if template:
            shutil.copyfile(template, path)
        else:
            path.touch()
        return str(path)
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template or "template0"}"')
    return name


def _drop(name: str) -> None:
    """Drop a PostgreSQL database; pytest deletes the files of its temporary folders."""
    if connection.vendor == "postgresql":
        with connection._nodb_cursor() as cursor:
            cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def _connected(name: str) -> Iterator[str]:
    connections[ALIAS] = connection.copy(ALIAS)
    connections[ALIAS].settings_dict["NAME"] = name
    try:
        yield ALIAS
    finally:
        connections[ALIAS].close()
        del connections[ALIAS]
