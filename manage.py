#!/usr/bin/env python3
"""Django's command line for Short Video Console.

What an operator can mend ends with one sentence and status 1, `--traceback` shows the rest;
Ctrl-C ends with status 130, SIGTERM with 143.
"""

import errno
import os
import signal
import sys
from typing import Any, NoReturn

_CANNOT_WRITE = (errno.ENOSPC, errno.EPIPE)


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shortvideo.settings")
    try:
        status = _run(sys.argv)
        sys.stdout.flush()  # at the exit of Python a failure would be no error of the command
    except KeyboardInterrupt:
        return _fail("Interrupted.", status=128 + signal.SIGINT)
    except OSError as error:
        if error.errno not in _CANNOT_WRITE or "--traceback" in sys.argv:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is left to write
        return _fail(f"The output cannot be written: {error.strerror}.")
    return status


def _run(arguments: list[str]) -> int:
    for argument in arguments:
        if any("\udc80" <= character <= "\udcff" for character in argument):
            return _fail(f"The argument {os.fsencode(argument)!r} is not UTF-8.", status=2)
    try:
        import django.db as database
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
        from django.db.migrations.exceptions import InconsistentMigrationHistory

        from shortvideo.text import first_line
    except ModuleNotFoundError as error:
        return _fail(f"{error}. Use .venv/bin/python, or install requirements-prod.txt.")
    signal.signal(signal.SIGTERM, _end)
    try:
        execute_from_command_line(arguments)
    except (
        ImproperlyConfigured, InconsistentMigrationHistory, database.Error,
        OverflowError, UnicodeError,
    ) as error:  # fmt: skip
        if "--traceback" in arguments:
            raise
        if isinstance(error, database.Error):
            hint = "See `manage.py check --database default`."
            if arguments[1:2] == ["check"]:
                hint = "DATABASE_URL names it."
            return _fail(f"The database refuses: {first_line(error)}. {hint}")
        if isinstance(error, OverflowError | UnicodeError):
            return _fail(f"A value cannot be used: {first_line(error)}.")
        return _fail(str(error))
    return 0


def _end(_number: int, _frame: Any) -> NoReturn:
    """Leave by an exception, so that a run is recorded as interrupted."""
    sys.exit(128 + signal.SIGTERM)


def _fail(sentence: str, *, status: int = 1) -> int:
    sys.stderr.write(f"manage.py: {sentence}\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
