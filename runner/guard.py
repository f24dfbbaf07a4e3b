"""A small process that cleans up after `run.py`, even when `run.py` is killed with `kill -9`.

It reads orders on its standard input. `group PID SIGNAL` and `remove PATH` register a process group
or a folder; `gone PID` and `keep PATH` unregister it. When the pipe closes, it stops the registered
groups (with SIGNAL, after the grace period with SIGKILL) and deletes the folders. It also inherits
the lock of `run.py demo`, so that the next start waits until it has finished.
"""

import os
import shutil
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path

GRACE_SECONDS = 10.0


def _main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups, paths = _read_orders(sys.stdin)
    for group, how in groups.items():
        send(group, how)
    deadline = time.monotonic() + GRACE_SECONDS
    while any(_is_alive(group) for group in groups) and time.monotonic() < deadline:
        time.sleep(0.05)
    for group in groups:
        send(group, signal.SIGKILL)
    for path in paths:
        shutil.rmtree(path, ignore_errors=True)


def _read_orders(lines: Iterable[str]) -> tuple[dict[int, int], set[Path]]:
    """Read to the end. Returns the process groups (with their signals) and folders left then."""
    groups: dict[int, int] = {}
    paths: set[Path] = set()
    for line in lines:
        order, _, rest = line.rstrip("\n").partition(" ")
        if order == "group":
            group, number = rest.split()
            groups[int(group)] = int(number)
        elif order == "gone":
            groups.pop(int(rest), None)
        elif order == "remove":
            paths.add(Path(rest))
        elif order == "keep":
            paths.discard(Path(rest))
    return groups, paths


def _is_alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def send(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return


if __name__ == "__main__":
    _main()
