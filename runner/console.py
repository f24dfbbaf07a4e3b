"""One merged log on standard output, with a line for progress below it on a terminal.

A quiet console shows of the parts only warnings and errors; the log file has all lines.
"""

import contextlib
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TextIO

from runner.log_file import LogFile
from runner.loudness import Loudness

NAME_WIDTH = 9
COLOURS = (36, 33, 35, 32, 34, 96, 93, 95)
COLOUR = re.compile("\x1b\\[[0-9;]*m")
ERASE_LINE = "\r\x1b[K"
CONTROL = re.compile(
    "\x1b(?!\\[[0-9;]*m)|[\x00-\x08\x0a-\x1a\x1c-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]"
)


class Console:
    """Prints whole lines with the name of the part they come from, and redraws the progress line.

    `on_closed` is called once, when the pipe or terminal that reads the output is closed.
    """

    def __init__(self, stream: TextIO = sys.stdout, *, is_quiet: bool = False) -> None:
        self._stream = stream
        self.is_quiet = is_quiet
        self._loudness = Loudness()
        self._log: LogFile | None = None
        self.is_terminal = stream.isatty()
        self._is_coloured = self.is_terminal and not os.environ.get("NO_COLOR")
        self._colours: dict[str, int] = {}
        self._status = ""
        self._is_open = True
        self.on_closed: Callable[[], None] | None = None

    @contextlib.contextmanager
    def log_in(self, path: Path) -> Iterator[None]:
        """Write all lines of this block into a file too."""
        with contextlib.closing(LogFile(path)) as self._log:
            yield
        self._log = None

    def line(self, name: str, text: str, *, is_loud_by_itself: bool = True) -> None:
        """One line of the part called `name`; see `Loudness.is_loud`."""
        self._keep(name, text)
        if not self.is_quiet or self._loudness.is_loud(
            name, text, is_loud_by_itself=is_loud_by_itself
        ):
            self._print(f"{self._prefix(name)} {_without_control(text)}")

    def note(self, name: str, text: str) -> None:
        """One line of a step: of interest if the step fails; see `repeat`."""
        self.line(name, text, is_loud_by_itself=False)

    def repeat(self, name: str, lines: Iterable[str]) -> None:
        """Show the notes of a step that has failed, which a quiet console has not shown."""
        if self.is_quiet:
            for text in lines:
                self._print(f"{self._prefix(name)} {_without_control(text)}")

    def say(self, text: str, *, is_secret: bool = False) -> None:
        """A line of `run.py` itself. A secret is not in the log file."""
        if not is_secret:
            self._keep("run", text)
        prefix = "" if self.is_quiet else f"{self._prefix('run')} "
        self._print(prefix + _without_control(text))

    def block(self, text: str) -> None:
        """Lines without a prefix."""
        self._print(text)

    def status(self, name: str, text: str) -> None:
        """Replace the progress line. Only a terminal has one."""
        if not self.is_terminal:
            return
        prefix = "" if self.is_quiet else f"{self._prefix(name)} "
        self._status = f"{prefix}{_without_control(text)}" if text else ""
        self._write(ERASE_LINE + self._status)

    @property
    def progress_columns(self) -> int:
        """The width of a progress line, in columns."""
        return max(20, shutil.get_terminal_size().columns - NAME_WIDTH - 4)

    def _keep(self, name: str, text: str) -> None:
        if self._log is not None:
            plain = _without_control(COLOUR.sub("", text))
            self._log.write(f"{name:<{NAME_WIDTH}} | {plain}")

    def _prefix(self, name: str) -> str:
        label = f"{name:<{NAME_WIDTH}} |"
        if not self._is_coloured:
            return label
        colour = self._colours.setdefault(name, COLOURS[len(self._colours) % len(COLOURS)])
        return f"\x1b[{colour}m{label}\x1b[0m"

    def _print(self, text: str) -> None:
        self._write(f"{ERASE_LINE}{text}\n{self._status}" if self._status else f"{text}\n")

    def _write(self, text: str) -> None:
        if not self._is_open:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except (BrokenPipeError, ValueError):
            self._close()
        except OSError as error:  # EIO: the terminal is closed
            self._close()
            if self.on_closed is None:
                raise error from None

    def _close(self) -> None:
        self._is_open = False
        if self.on_closed is not None:
            self.on_closed()


def _without_control(text: str) -> str:
    """Escape control characters, except colours: a program may repeat what a user wrote."""
    return CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def bar(done: float, total: float, text: str, *, columns: int) -> str:
    """A progress bar as wide as `columns` allows, `text` behind it."""
    share = min(1.0, done / total) if total else 1.0
    width = max(10, columns // 3)
    filled = "#" * round(width * share)
    return f"[{filled:.<{width}}] {share:4.0%} {text}"[:columns]
