"""`python -m tests.data.carry_out COMMAND...`: management commands, one after another.

In one process: most of what a short command takes is Django's start.
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
