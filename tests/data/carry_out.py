"""Run management commands one after another: `python -m tests.data.carry_out COMMAND...`.

One process runs them all, because Django's start takes longer than a short command.
"""

import shlex
import sys
from collections.abc import Iterable

import django
from django.core.management import call_command


def carry_out(commands: Iterable[str]) -> None:
    django.setup()
    for command in commands:
        sys.stdout.write(f"$ {command}\n")
        call_command(*shlex.split(command))


if __name__ == "__main__":
    carry_out(sys.argv[1:])
