"""Programs under a supervisor that restarts them as systemd does, while a test kills them.

No program outlives the supervisor: each has a process group of its own, and a guard process ends
these groups if the test is killed.
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
LONGEST_WAIT_SECONDS = 180.0  # of a test that fails

Watch = Callable[..., None]


class Program:
    """One program that is restarted whenever it ends; its output goes to a file."""

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
        """The id of the running process; None between two starts."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def start(self, cwd: Path, watch: Watch) -> None:
        self._thread = threading.Thread(target=self._keep_alive, args=(cwd, watch), name=self.name)
        self._thread.start()

    def running_pid(self) -> int:
        """Wait for a running process. Returns its id; raises TimeoutError if there is none."""
        ends_at = time.monotonic() + LONGEST_WAIT_SECONDS
        while (pid := self.pid) is None:
            if time.monotonic() > ends_at:
                raise TimeoutError(f"{self.name} does not run.")
            time.sleep(0.02)
        return pid

    def _has_ended(self, pid: int) -> bool:
        return self.pid != pid

    def kill(self) -> None:
        """SIGKILL the running process alone, and wait for its end."""
        while True:
            pid = self.running_pid()
            if _kill_and_wait(pid, partial(self._has_ended, pid)):
                return

    def kill_child(self) -> None:
        """SIGKILL one child of the process, else the process itself, and wait for its end."""
        while children := children_of(pid := self.running_pid()):
            child = children[0]
            if _kill_and_wait(child, partial(_is_orphan, child, pid)):
                return
        self.kill()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """SIGSTOP now, SIGCONT at the end of the block.

        The process may be inside a transaction: its locks are held until it goes on.
        """
        pid = self.running_pid()
        _signal_process(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            _signal_process(pid, signal.SIGCONT)

    def stop(self) -> None:
        """SIGTERM; SIGKILL after STOP_SECONDS."""
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
            if self._is_stopping.is_set():  # `stop` was called during the start
                send(process.pid, signal.SIGTERM)
            process.wait()
            send(process.pid, signal.SIGKILL)  # to its group: its children end with it
            watch("gone", process.pid)
            self._is_stopping.wait(RESTART_SECONDS)


class Supervisor:
    """The programs of a test. All have ended at the end of the block."""

    def __init__(self, cwd: Path, logs: Path) -> None:
        self.programs: dict[str, Program] = {}
        self._cwd, self._logs = cwd, logs
        self._guard = Guard()
        self._lock = threading.Lock()

    def watch(self, *words: object) -> None:
        """Give an order to the guard; see `runner/guard.py`."""
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
    """The running children of a process; empty on systems without `/proc`."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(word) for word in text.split()]


def _is_orphan(child: int, pid: int) -> bool:
    """Whether `child` is not a child of `pid`, or no longer."""
    return child not in children_of(pid)


def _kill_and_wait(pid: int, is_gone: Callable[[], bool]) -> bool:
    """SIGKILL the process and wait until it is gone. False if it was gone before.

    Without the wait the next SIGKILL would hit the same dying process. Raises TimeoutError.
    """
    if not _signal_process(pid, signal.SIGKILL):
        return False
    ends_at = time.monotonic() + LONGEST_WAIT_SECONDS
    while not is_gone():
        if time.monotonic() > ends_at:
            raise TimeoutError(f"Process {pid} survives SIGKILL.")
        time.sleep(0.005)
    return True


def _signal_process(pid: int, number: signal.Signals) -> bool:
    """Send a signal. False if the process has ended."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True
