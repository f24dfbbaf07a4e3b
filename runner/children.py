"""Start and stop the programs of `run.py`, each in a process group of its own."""

import asyncio
import codecs
import contextlib
import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from runner import guard
from runner.console import Console
from runner.failure import Failure

TAIL_LINES = 40
LONGEST_LINE = 16_384
GRACE_SECONDS = guard.GRACE_SECONDS

LineReader = Callable[[str], None]


class Guard:
    """Our end of the pipe to the process of `runner/guard.py`.

    `inherited` are file descriptors (the lock) that stay open until that process has finished.
    """

    def __init__(self, *inherited: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, guard.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=inherited,
            text=True,
        )

    def order(self, *words: object) -> None:
        """Send one order, such as `("group", pid, signal)`; see `runner/guard.py`."""
        if self._process.stdin is None:
            raise Failure("The guard process has no input.")
        self._process.stdin.write(" ".join(map(str, words)) + "\n")
        self._process.stdin.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait()


class Child:
    """One running program and its last lines."""

    def __init__(
        self, process: asyncio.subprocess.Process, tail: deque[str], reading: asyncio.Task[None]
    ) -> None:
        self.tail = tail
        self._process = process
        self._reading = reading

    async def wait(self) -> int:
        """Wait for the end. Returns the exit status (negative: the signal that ended it)."""
        status = await self._process.wait()
        # A grandchild may hold the output open for longer: do not wait for it.
        await asyncio.wait([self._reading], timeout=1)
        return status

    async def stop(self) -> None:
        """Send SIGTERM, after the grace period SIGKILL to the whole process group."""
        try:
            if self._process.returncode is None:
                self._process.terminate()
                await asyncio.wait_for(self._process.wait(), GRACE_SECONDS)
        except TimeoutError:
            self.kill()
            await self._process.wait()
        finally:
            self.kill()  # its children
            self._reading.cancel()

    def kill(self) -> None:
        guard.send(self._process.pid, signal.SIGKILL)


class Children:
    """Start programs, print their output line by line and register them with the guard."""

    def __init__(self, console: Console, guard: Guard, directory: Path) -> None:
        self.console = console
        self.guard = guard
        self._directory = directory
        self._running: set[Child] = set()

    @contextlib.asynccontextmanager
    async def running(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        on_line: LineReader | None = None,
        draws_bars: bool = False,
        given: str = "",
    ) -> AsyncIterator[Child]:
        """Run the program until the block ends.

        `on_line` gets each line instead of the console. With `draws_bars` the program gets a
        pseudo-terminal where we have a terminal, so that it draws its progress bars. `given` is
        its standard input (at most 64 KiB: what a pipe holds).
        """
        output, input_end = self._open_output(is_terminal=draws_bars and self.console.is_terminal)
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                cwd=self._directory,
                env=None if environment is None else dict(environment),
                stdin=subprocess.PIPE if given else subprocess.DEVNULL,
                stdout=input_end,
                stderr=input_end,
                start_new_session=True,
            )
        except OSError as error:
            os.close(output)
            raise Failure(f"{command[0]} cannot be started: {error.strerror}.") from error
        finally:
            os.close(input_end)
        self.guard.order("group", process.pid, signal.SIGTERM.value)
        lines = Lines(
            on_line=on_line or (lambda line: self.console.line(name, line)),
            on_status=lambda line: self.console.status(name, line),
        )
        child = Child(process, lines.tail, asyncio.create_task(_read_all(output, lines)))
        self._running.add(child)
        if process.stdin is not None:
            process.stdin.write(given.encode())
            process.stdin.close()
        try:
            yield child
        finally:
            try:
                await child.stop()
            finally:
                self._running.discard(child)
                self.guard.order("gone", process.pid)

    async def run(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        on_line: LineReader | None = None,
        draws_bars: bool = False,
        given: str = "",
    ) -> tuple[int, list[str]]:
        """Run a program to its end. Returns its exit status and its last lines."""
        async with self.running(
            name,
            command,
            environment=environment,
            on_line=on_line,
            draws_bars=draws_bars,
            given=given,
        ) as child:
            return await child.wait(), list(child.tail)

    def kill_all(self) -> None:
        """End all programs at once."""
        for child in self._running:
            child.kill()

    def _open_output(self, *, is_terminal: bool) -> tuple[int, int]:
        if not is_terminal:
            return os.pipe()
        output, input_end = pty.openpty()
        settings = termios.tcgetattr(input_end)
        settings[1] &= ~termios.OPOST  # no \r before each \n
        termios.tcsetattr(input_end, termios.TCSANOW, settings)
        size = struct.pack("HHHH", 24, self.console.progress_columns, 0, 0)
        fcntl.ioctl(input_end, termios.TIOCSWINSZ, size)
        return output, input_end


class Lines:
    """Cut output into lines. Text that a program redraws with a carriage return is progress."""

    def __init__(self, on_line: LineReader, on_status: LineReader) -> None:
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._on_line = on_line
        self._on_status = on_status
        self._rest = ""
        self._has_status = False

    def feed(self, text: str) -> None:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._line(line)
        drawings = [part for part in self._rest.split("\r") if part.strip()]
        if "\r" in self._rest and drawings:
            self._has_status = True
            self._on_status(drawings[-1])
            self._rest = "\r" + drawings[-1]
        if len(self._rest) > LONGEST_LINE:
            self._line(self._rest)
            self._rest = ""

    def close(self) -> None:
        if self._rest.strip():
            self._line(self._rest)
        self._rest = ""

    def _line(self, line: str) -> None:
        if self._has_status:
            self._has_status = False
            self._on_status("")
        text = line.rstrip().rpartition("\r")[2]
        if text or "\r" not in line:
            self.tail.append(text)
            self._on_line(text)


async def _read_all(output: int, lines: Lines) -> None:
    """Read a pipe or a pseudo-terminal to its end."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(output, "rb", buffering=0)
    )
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    try:
        # EIO from a pseudo-terminal: the other end is closed.
        with contextlib.suppress(OSError):
            while chunk := await reader.read(65_536):
                lines.feed(decoder.decode(chunk))
    finally:
        lines.close()
        transport.close()
