"""One `run.py demo` at a time in a checkout, and one that makes clips."""

import asyncio
import contextlib
import fcntl
import os
import time
from collections.abc import AsyncIterator, Iterator

from runner.console import Console
from runner.failure import Failure
from runner.guard import GRACE_SECONDS
from runner.project import Project


class AlreadyRunning(Failure):
    """A demo is running in this checkout."""


@contextlib.contextmanager
def checkout_lock(project: Project, console: Console) -> Iterator[int]:
    """Hold the checkout's lock. Yields its file descriptor.

    Raises AlreadyRunning where a demo is running here. After `kill -9` the guard process of the
    killed run holds the lock until it has stopped everything: wait for that.
    """
    project.make_var()
    descriptor = os.open(project.lock_file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + GRACE_SECONDS + 5
        is_announced = False
        while not _try_lock(descriptor):
            holder = os.pread(descriptor, 20, 0).decode() or "unknown"
            if _is_running(holder) or time.monotonic() > deadline:
                raise AlreadyRunning(
                    f"`run.py demo` is already running here (process {holder}); stop it first, "
                    "or add clips to it with --clips N."
                )
            if not is_announced:
                console.say("Waiting until the programs of an earlier run have stopped.")
                is_announced = True
            time.sleep(0.1)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.asynccontextmanager
async def seeding_lock(project: Project, console: Console) -> AsyncIterator[None]:
    """Make clips one after another: wait until another `run.py` has made its clips."""
    descriptor = os.open(project.seeding_lock_file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        is_announced = False
        while not _try_lock(descriptor):
            if not is_announced:
                console.say("Waiting until the clips that are being made are ready.")
                is_announced = True
            await asyncio.sleep(0.2)
        yield
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_running(process: str) -> bool:
    if not process.isdigit():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
