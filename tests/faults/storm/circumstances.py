"""In what circumstances something was measured: the commit, and how busy the machine was."""

import os
import subprocess

from tests.support.localvod import ROOT


def commit() -> str:
    """The short hash, with a mark where files differ from it; "unknown" outside a checkout."""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return "unknown"
    return done.stdout.strip() or "unknown"


class Load:
    """The machine's load (of the last minute) from here on, beginning and end."""

    def __init__(self) -> None:
        self._first = os.getloadavg()[0]

    def __str__(self) -> str:
        cores = os.cpu_count() or 1
        return f"{self._first:.1f} at first, {os.getloadavg()[0]:.1f} at the end, {cores} cores"
