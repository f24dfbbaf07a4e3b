"""Backup and restore of the test database, as docs/backup.md describes them."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections

from runner.postgres import binaries

SECONDS = 300


def back_up(folder: Path) -> Path:
    """Back up the test database to a file in the folder. Returns the file's path."""
    if connection.vendor == "sqlite":
        path = folder / "backup.sqlite3"
        call_command("backup_database", str(path), verbosity=0)
        return path
    path = folder / "backup.dump"
    at = connection.settings_dict
    postgres("pg_dump", "--format=custom", f"--file={path}", f"--dbname={at['NAME']}")
    return path


def restore(backup: Path, name: str) -> None:
    """Restore the backup into the empty database `name`."""
    if connection.vendor == "sqlite":
        Path(name).write_bytes(backup.read_bytes())
    else:
        postgres("pg_restore", "--exit-on-error", "--no-owner", f"--dbname={name}", str(backup))


def raise_counters(alias: str) -> None:
    """Run the SQL from docs/backup.md on the restored database."""
    page = (settings.BASE_DIR / "docs" / "backup.md").read_text()
    postgresql, sqlite = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    statements = sqlite if connection.vendor == "sqlite" else postgresql
    with connections[alias].cursor() as cursor:
        for statement in filter(str.strip, statements.split(";\n")):
            cursor.execute(statement)
    connections[alias].close()


def manage(database: str, evidence: Path, vod: str, *commands: str) -> None:
    """Run commands of the restored installation in another process. Each must succeed."""
    done = run(
        [sys.executable, "-m", "tests.data.carry_out", *commands],
        {
            "DJANGO_SETTINGS_MODULE": "tests.data.restored_settings",
            "DATABASE_URL": url_of(database),
            "COMMAND_EVIDENCE": str(evidence),
            "COMMAND_VOD": vod,
        },
    )
    assert done.returncode == 0, f"{done.stdout} {done.stderr}"


def url_of(name: str) -> str:
    at: dict[str, Any] = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    password = quote(at["PASSWORD"], safe="")
    return f"postgres://{at['USER']}:{password}@{at['HOST']}:{at['PORT']}/{name}"


def postgres(program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs on the test server."""
    folder = binaries()
    if folder is None:
        pytest.skip("no PostgreSQL binaries found (PATH, /usr/lib/postgresql/*/bin)")
    at = connection.settings_dict
    done = run(
        [str(folder / program), *arguments],
        {
            "PGHOST": at["HOST"],
            "PGPORT": str(at["PORT"]),
            "PGUSER": at["USER"],
            "PGPASSWORD": at["PASSWORD"],
        },
    )
    assert done.returncode == 0, done.stderr


def run(command: list[str], variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=settings.BASE_DIR,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
