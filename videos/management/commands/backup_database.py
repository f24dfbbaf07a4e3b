"""`manage.py backup_database`: copy the SQLite database while it is in use."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.template.defaultfilters import filesizeformat


class Command(BaseCommand):
    help = (
        "Copy a snapshot of the SQLite database to a new file; web server and worker may be "
        "running. For PostgreSQL use pg_dump."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", type=Path, help="the new file; it must not exist yet")

    def handle(self, *args: Any, path: Path, **options: Any) -> None:
        if connection.vendor != "sqlite":
            raise CommandError("This command copies SQLite only: use pg_dump --format=custom.")
        source = Path(connection.settings_dict["NAME"])
        if not source.is_file():
            raise CommandError(f"There is no database {source} yet.")
        try:
            if path.exists():
                raise CommandError(f"{path} exists already: give the name of a new file.")
            if not path.parent.is_dir():
                raise CommandError(f"There is no folder {path.parent}.")
            _back_up(source, path)
        except (OSError, sqlite3.Error) as error:
            raise CommandError(f"The copy could not be made: {error}.") from error
        self.stdout.write(f"{path}: {filesizeformat(path.stat().st_size)}, checked.")


def _back_up(source: Path, target: Path) -> None:
    """Copy a database that may be in use. The target appears only when it is complete.

    Raises sqlite3.Error, also if the copy is damaged, and OSError.
    """
    unfinished = target.with_name(f"{target.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=0o600)  # it has names and the hashes of passwords and tokens
    try:
        _copy(source, unfinished)
        _flush(unfinished)
        unfinished.rename(target)
        _flush(target.parent)
    finally:
        unfinished.unlink(missing_ok=True)


def _copy(source: Path, target: Path) -> None:
    """Copy a snapshot, in one step: in several, each write to the source restarts the copy."""
    with (
        closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as original,
        closing(sqlite3.connect(target)) as duplicate,
    ):
        original.backup(duplicate, pages=-1)
        duplicate.execute("PRAGMA journal_mode=DELETE")  # one file; the console turns WAL on again
        [(verdict,)] = duplicate.execute("PRAGMA integrity_check(1)").fetchall()
        if verdict != "ok":
            raise sqlite3.DatabaseError(f"it is damaged ({verdict})")


def _flush(path: Path) -> None:
    """Flush a file, or the list of files of a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
