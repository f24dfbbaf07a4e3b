"""`serve`: run the server until it is stopped."""

import argparse
import dataclasses
import sys

from localvod.server import PortTakenError, serve
from localvod.settings import RawSettings, SettingsError, parse_settings, raw_from_environment
from localvod.store import StateError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add a flag for each setting; its default is the environment's value."""
    raw = raw_from_environment()
    for item in dataclasses.fields(RawSettings):
        parser.add_argument(
            f"--{item.name.replace('_', '-')}",
            default=getattr(raw, item.name),
            metavar=item.name.upper(),
            help=f"{item.metadata['help']} (LOCALVOD_{item.name.upper()})",
        )


def run(arguments: argparse.Namespace) -> int:
    names = [item.name for item in dataclasses.fields(RawSettings)]
    raw = RawSettings(**{name: getattr(arguments, name) for name in names})
    try:
        serve(parse_settings(raw))
    except (SettingsError, PortTakenError, StateError) as error:
        sys.stderr.write(f"localvod: {error}\n")
        return 1
    return 0
