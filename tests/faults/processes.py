"""Programs under a supervisor that starts them again, as systemd would, while a test kills them.

None outlives the supervisor, whatever happens to it: each runs in a process group of its own, which
a guard process ends should we be killed.
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from runner.children import Guard
from runner.guard import send

RESTART_SECONDS = 0.5
STOP_SECONDS = 20.0
WAIT_SECONDS = 60.0

Watch = Callable[..., None]


class Program:
    """One program that is started again whenever it ends; its output goes to a file."""

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path
    ) -> None:
        self.name = name
        self.start_count = 0
        self._command, self._environment, self._log = command, environment, log
        self._process: subprocess.Popen[bytes] | None = None
        self._is_stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    @property
    def pid(self) -> int | None:
        """Of the process that runs now; None between two of them."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def start(self, cwd: Path, watch: Watch) -> None:
        self._thread = threading.Thread(target=self._keep_alive, args=(cwd, watch), name=self.name)
        self._thread.start()

    def running_pid(self) -> int:
        """The process id, once there is one; TimeoutError when it does not come up."""
        ends_at = time.monotonic() + WAIT_SECONDS
        while (pid := self.pid) is None:
            if time.monotonic() > ends_at:
                raise TimeoutError(f"{self.name} does not run.")
            time.sleep(0.02)
        return pid

    def _has_ended(self, pid: int) -> bool:
        return self.pid != pid

    def kill(self) -> None:
        """SIGKILL to what runs now, and to nothing that it started; it is gone on return."""
        while True:
            pid = self.running_pid()
            if kill_and_wait(pid, partial(self._has_ended, pid)):
                return

    def kill_child(self) -> None:
        """SIGKILL to one process that it started, which is gone on return.

        To itself where there is none.
        """
        while children := children_of(pid := self.running_pid()):
            child = children[0]
            if kill_and_wait(child, partial(is_orphan, child, pid)):
                return
        self.kill()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """SIGSTOP now, SIGCONT at the end of the block."""
        pid = self.running_pid()
        signal_process(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            signal_process(pid, signal.SIGCONT)

    def stop(self) -> None:
        """End it politely; at once when it takes too long."""
        self._is_stopping.set()
        process = self._process
        if process is not None:
            send(process.pid, signal.SIGTERM)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                send(process.pid, signal.SIGKILL)
        if self._thread is not None:
            self._thread.join()

    def _keep_alive(self, cwd: Path, watch: Watch) -> None:
        while not self._is_stopping.is_set():
            with self._log.open("ab") as log:
                process = subprocess.Popen(
                    self._command,
                    cwd=cwd,
                    env=dict(self._environment),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            self._process = process
            self.start_count += 1
            watch("group", process.pid, signal.SIGTERM.value)
            if self._is_stopping.is_set():  # asked while it was being started
                send(process.pid, signal.SIGTERM)
            process.wait()
            send(process.pid, signal.SIGKILL)  # what it started dies with it
            watch("gone", process.pid)
            self._is_stopping.wait(RESTART_SECONDS)


class Supervisor:
    """The programs of a test; all of them have ended when the block ends."""

    def __init__(self, cwd: Path, logs: Path) -> None:
        self.programs: dict[str, Program] = {}
        self._cwd, self._logs = cwd, logs
        self._guard = Guard()
        self._lock = threading.Lock()

    def watch(self, *words: object) -> None:
        """Put something in the guard's care or take it out; see `runner/guard.py`."""
        with self._lock:
            self._guard.order(*words)

    def run(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> Program:
        program = Program(name, command, environment, self._logs / f"{name}.log")
        self.programs[name] = program
        program.start(self._cwd, self.watch)
        return program

    def __enter__(self) -> Self:
        self._guard.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            for program in reversed(self.programs.values()):
                program.stop()
        finally:
            self._guard.__exit__(kind, error, trace)


def children_of(pid: int) -> list[int]:
    """The processes that a process started and that still run; empty where `/proc` lacks it."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(word) for word in text.split()]


def is_orphan(child: int, pid: int) -> bool:
    """Whether a process is not, or no longer, a child of the other."""
    return child not in children_of(pid)


def kill_and_wait(pid: int, is_gone: Callable[[], bool]) -> bool:
    """Whether it was there to be killed; TimeoutError when it does not go.

    Without the wait another SIGKILL right after would meet the same dying process.
    """
    if not signal_process(pid, signal.SIGKILL):
        return False
    ends_at = time.monotonic() + WAIT_SECONDS
    while not is_gone():
        if time.monotonic() > ends_at:
            raise TimeoutError(f"Process {pid} survives SIGKILL.")
        time.sleep(0.005)
    return True


def signal_process(pid: int, number: signal.Signals) -> bool:
    """Whether it was there; nothing happens to one that has ended meanwhile."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True
