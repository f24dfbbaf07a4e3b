"""Runs ffmpeg; the process never outlives the call that started it.

ffmpeg's words go to the log of localvod and nowhere else: facts come from its exit status, from
named fields on its standard output, and from the files that it writes.
"""

from __future__ import annotations

import functools
import logging
import math
import os
import select
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import imageio_ffmpeg

POLL_SECONDS = 0.2
TAIL_BYTES = 4_000
TIMEOUT_SECONDS = 900.0
UPLOAD_FORMATS = (
    *("aac", "ac3", "amr", "ape", "asf", "avi", "caf", "dv", "flac", "flv", "gif", "h264", "hevc"),
    *("m4v", "matroska", "mjpeg", "mov", "mp3", "mpeg", "mpegts", "mpegvideo", "mxf", "ogg", "rm"),
    *("swf", "wav"),
)
"""ffmpeg's names of the formats that VOD takes, without those of lists: they name other files."""

logger = logging.getLogger(__name__)


class MediaError(Exception):
    """A file is unusable, or the work on it failed.

    `code` is one of `InvalidVideo.Damaged`, `InvalidVideo.NoVideoStream`, `TranscodeFailed`,
    `SnapshotFailed`, `InternalError`, `Timeout` and `Cancelled`; `message` is our own sentence for
    the operator.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class Children:
    """A group of ffmpeg processes that can be killed together."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._is_closed = False

    def start(self, command: Sequence[str], stderr: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start a process. Raises MediaError after a call of `kill`."""
        with self._lock:
            if self._is_closed:
                raise MediaError("Cancelled", "The media pool has been shut down.")
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr
            )
            self._running.add(process)
            return process

    def forget(self, process: subprocess.Popen[bytes]) -> None:
        with self._lock:
            self._running.discard(process)

    def kill(self) -> None:
        """Kill all processes and refuse new ones."""
        with self._lock:
            self._is_closed = True
            for process in self._running:
                process.kill()


class _Thread(threading.local):
    children = Children()  # for threads outside of pools: shared, never killed
    ends_at = math.inf  # when the job of this thread has to end


_thread = _Thread()


def adopt_thread(children: Children) -> None:
    """Add each ffmpeg that this thread starts from now on to `children`."""
    _thread.children = children


@contextmanager
def limited_time(seconds: float) -> Iterator[None]:
    """All that ffmpeg does for this thread in the block ends after so many seconds."""
    _thread.ends_at = time.monotonic() + seconds
    try:
        yield
    finally:
        _thread.ends_at = math.inf


def upload_input(path: Path, formats: Sequence[str] = UPLOAD_FORMATS) -> tuple[str, ...]:
    """The options of ffmpeg that read an upload: this file only, whatever its content names."""
    allowed = ("-protocol_whitelist", "file", "-format_whitelist", ",".join(formats))
    return (*allowed, "-i", f"file:{path}")


@functools.cache
def _command() -> tuple[str, ...]:
    """The command of ffmpeg at low priority: a web server on the same two cores stays usable."""
    nice = shutil.which("nice")
    binary = imageio_ffmpeg.get_ffmpeg_exe()
    return (nice, "-n", "10", binary) if nice else (binary,)


def run_ffmpeg(
    arguments: Sequence[str],
    *,
    on_progress: Callable[[float], None] | None = None,
    cancelled: threading.Event | None = None,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> tuple[int, str]:
    """Run ffmpeg; returns its exit status and its standard output.

    `on_progress` receives the seconds of media written so far. Raises MediaError: `Cancelled` if
    the event is set or the pool shuts down, `Timeout` after `timeout_seconds` and at the end of
    `limited_time`.
    """
    progress = ["-progress", "pipe:1", "-stats_period", "0.25"] if on_progress else []
    command = [*_command(), "-hide_banner", "-nostdin", "-v", "error", *progress, *arguments]
    children = _thread.children
    with tempfile.TemporaryFile() as stderr:
        process = children.start(command, stderr)
        try:
            ends_at = min(time.monotonic() + timeout_seconds, _thread.ends_at)
            output = _follow(process, on_progress, cancelled, ends_at)
        finally:
            process.kill()
            process.wait()
            children.forget(process)
            if process.stdout:
                process.stdout.close()
        if process.returncode == -9:
            raise MediaError("Cancelled", "The media job was cancelled.")
        if process.returncode != 0:
            logger.info("ffmpeg ended with status %s: %r", process.returncode, _tail(stderr))
        return process.returncode, output


def _follow(
    process: subprocess.Popen[bytes],
    on_progress: Callable[[float], None] | None,
    cancelled: threading.Event | None,
    deadline: float,
) -> str:
    """Read ffmpeg's output until it ends. Raises MediaError if cancelled or too slow."""
    if process.stdout is None:
        raise RuntimeError("ffmpeg was started without a pipe")
    descriptor, output, rest, reached = process.stdout.fileno(), bytearray(), b"", 0.0
    while True:
        if cancelled is not None and cancelled.is_set():
            raise MediaError("Cancelled", "The media job was cancelled.")
        if time.monotonic() > deadline:
            raise MediaError("Timeout", "The work on the file took too long and was stopped.")
        if not select.select([descriptor], [], [], POLL_SECONDS)[0]:
            continue
        data = os.read(descriptor, 65_536)
        if not data:
            break
        if on_progress is None:
            output += data
            continue
        *lines, rest = (rest + data).split(b"\n")
        written = _seconds_written(lines)
        if written > reached:  # ffmpeg's figure may fall
            reached = written
            on_progress(reached)
    process.wait(timeout=max(1.0, deadline - time.monotonic()))
    return output.decode(errors="replace")


def _seconds_written(lines: Sequence[bytes]) -> float:
    """The largest time in lines of ffmpeg's progress; 0 if there is none."""
    pairs = (line.split(b"=", 1) for line in lines if line.startswith(b"out_time_us="))
    return max((int(value) for _, value in pairs if value.strip().isdigit()), default=0) / 1_000_000


def _tail(stderr: IO[bytes]) -> str:
    stderr.seek(0, os.SEEK_END)
    stderr.seek(max(0, stderr.tell() - TAIL_BYTES))
    return stderr.read().decode(errors="replace").strip()
