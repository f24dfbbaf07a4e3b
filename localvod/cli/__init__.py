"""The command line: `python -m localvod COMMAND`."""

import argparse
import importlib
import os
import sqlite3
import sys
from collections.abc import Sequence

from localvod.cli.control import ControlFailure

# Command, module, prefix of its two functions, help text. Only the module of the given command is
# imported: ffmpeg, Pillow and the server are slow to load.
_COMMANDS = (
    ("serve", "localvod.cli.serve", "", "run VOD and CDN until stopped"),
    ("upload", "localvod.uploader", "", "upload files like an app does"),
    ("demo", "localvod.demo", "", "make and upload demonstration clips"),
    ("catalogue", "localvod.cli.control", "catalogue", "set the number of computed videos"),
    ("faults", "localvod.cli.control", "faults", "show, add or clear faults"),
    ("ledger", "localvod.cli.control", "ledger", "show the calls so far"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    for argument in given:
        if any("\udc80" <= character <= "\udcff" for character in argument):
            sys.stderr.write(f"localvod: The argument {os.fsencode(argument)!r} is not UTF-8.\n")
            return 2
    parser = argparse.ArgumentParser("localvod", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, module_name, prefix, help_text in _COMMANDS:
        command = commands.add_parser(name, help=help_text, description=help_text)
        if name in given[:1]:
            module = importlib.import_module(module_name)
            add_arguments = f"add_{prefix}_arguments" if prefix else "add_arguments"
            getattr(module, add_arguments)(command)
            command.set_defaults(run=getattr(module, f"run_{prefix}" if prefix else "run"))
    parsed = parser.parse_args(given)
    try:
        status: int = parsed.run(parsed)
    except (ControlFailure, sqlite3.Error) as error:
        sys.stderr.write(f"localvod: {str(error).rstrip('.')}.\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"localvod: {error.strerror or error}: {error.filename or 'no file'}.\n")
        return 1
    return status
