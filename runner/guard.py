"""A small process that outlives `run.py` and leaves nothing of it behind, even after `kill -9`.

It reads its standard input: `group PID SIGNAL` and `remove PATH` put something in its care,
`gone PID` and `keep PATH` take it out again. When the pipe closes, whatever is still in its care is
stopped (politely first) and removed. It also inherits the lock of `run.py demo`, so that the next
start waits until it has finished.
"""

import os
import shutil
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path

GRACE_SECONDS = 10.0


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups, paths = read_orders(sys.stdin)
    for group, polite in groups.items():
        send(group, polite)
    deadline = time.monotonic() + GRACE_SECONDS
    while any(is_alive(group) for group in groups) and time.monotonic() < deadline:
        time.sleep(0.05)
    for group in groups:
        send(group, signal.SIGKILL)
    for path in paths:
        shutil.rmtree(path, ignore_errors=True)


def read_orders(lines: Iterable[str]) -> tuple[dict[int, int], set[Path]]:
    """The process groups (and the signal that stops each) and folders left in the end."""
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


def is_alive(group: int) -> bool:
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
    main()
