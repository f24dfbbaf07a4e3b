"""The circumstances of a measurement: the commit and the load of the machine."""

import os
import subprocess

from tests.support.localvod import ROOT


def commit() -> str:
    """The short hash, with a mark if files differ; "unknown" outside a checkout."""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return "unknown"
    return done.stdout.strip() or "unknown"


class Load:
    """The load of the machine (last minute) at the beginning and at the end."""

    def __init__(self) -> None:
        self._first = os.getloadavg()[0]

    def __str__(self) -> str:
        cores = os.cpu_count() or 1
        return f"{self._first:.1f} at first, {os.getloadavg()[0]:.1f} at the end, {cores} cores"
