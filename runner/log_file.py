"""The whole log of a demo in a file of bounded size."""

import contextlib
import os
from pathlib import Path

LARGEST = 10_000_000  # characters; the file before it, NAME.1, is as large at most


class LogFile:
    """A file that starts empty. What was there, and what is too much, is in NAME.1."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._start()

    def write(self, line: str) -> None:
        with contextlib.suppress(OSError, ValueError):  # a full disk ends the log, not the demo
            if self._left < 0:
                self._file.close()
                self._start()
            self._left -= self._file.write(line + "\n")

    def close(self) -> None:
        self._file.close()

    def _start(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._path.replace(self._path.with_name(f"{self._path.name}.1"))
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self._file = os.fdopen(descriptor, "w", encoding="utf-8", buffering=1)
        self._left = LARGEST
