"""`run.py` on a terminal: bars, colours, and a question before anything is deleted."""

import os
import pty
import re
import signal
import subprocess
import sys
import threading

import pytest

from runner.children import Lines
from runner.console import bar
from tests.run.checkout import LONGEST_WAIT_SECONDS, Checkout, free_port, until


class Terminal:
    """run.py on a pseudo-terminal, with a keyboard."""

    def __init__(self, checkout: Checkout, *arguments: str, **extra: str | None) -> None:
        self._screen, ours = pty.openpty()
        self._shown = bytearray()
        self.process = subprocess.Popen(
            [sys.executable, "run.py", *arguments],
            cwd=checkout.root,
            env=checkout.environment(TERM="xterm", **extra),
            stdin=ours,
            stdout=ours,
            stderr=ours,
            start_new_session=True,
        )
        os.close(ours)
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    @property
    def text(self) -> str:
        return self._shown.decode(errors="replace")

    def wait_for(self, text: str) -> None:
        until(lambda: text in self.text, lambda: f"{text!r} did not come: {self.text}")

    def type(self, text: str) -> None:
        os.write(self._screen, text.encode())

    def end(self) -> int:
        status = self.process.wait(LONGEST_WAIT_SECONDS)
        self._reader.join(LONGEST_WAIT_SECONDS)
        os.close(self._screen)
        return status

    def _read(self) -> None:
        while True:
            try:
                chunk = os.read(self._screen, 4096)
            except OSError:  # run.py has ended
                return
            self._shown += chunk


def test_a_quiet_terminal_shows_progress_and_no_names_of_steps(checkout: Checkout) -> None:
    terminal = Terminal(checkout, "demo", f"--port={free_port()}")
    terminal.wait_for("demo clips are ready")
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.end() == 0
    assert "\nPreparing 24 demo clips, 7 done" in terminal.text
    assert "Preparing the database." in terminal.text
    assert "seed " not in terminal.text


def test_bars_are_drawn_below_a_coloured_log(checkout: Checkout) -> None:
    terminal = Terminal(checkout, "demo", "--verbose", f"--port={free_port()}")
    terminal.wait_for("demo clips are ready")
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.end() == 0
    assert "settling: 100%" in terminal.text
    assert re.search(r"\x1b\[\d\dmrun       \|\x1b\[0m Ready after", terminal.text)


def test_no_color_is_honoured(checkout: Checkout) -> None:
    terminal = Terminal(checkout, "demo", "--no-seed", f"--port={free_port()}", NO_COLOR="1")
    terminal.wait_for("No demo clips are made")
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.end() == 0
    assert "\x1b[3" not in terminal.text


def test_reset_asks_and_no_is_the_default(checkout: Checkout) -> None:
    kept = checkout.write("var/db.sqlite3", "data")
    terminal = Terminal(checkout, "demo", "--reset", f"--port={free_port()}")
    terminal.wait_for("[y/N]")
    terminal.type("\n")
    assert terminal.end() == 1
    assert "Nothing was deleted." in terminal.text
    assert kept.read_text(encoding="utf-8") == "data"


def test_reset_deletes_after_a_yes(checkout: Checkout) -> None:
    old = checkout.write("var/old", "data")
    terminal = Terminal(checkout, "demo", "--reset", "--no-seed", f"--port={free_port()}")
    terminal.wait_for("[y/N]")
    terminal.type("y\n")
    terminal.wait_for("Ready after")
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.end() == 0
    assert not old.exists()


def test_closing_the_log_before_it_is_ready_ends_the_demo(checkout: Checkout) -> None:
    process = subprocess.Popen(
        [sys.executable, "run.py", "demo", f"--port={free_port()}"],
        cwd=checkout.root,
        env=checkout.environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    assert process.stdout.readline()
    process.stdout.close()
    assert process.wait(LONGEST_WAIT_SECONDS) == 128 + signal.SIGHUP


@pytest.mark.parametrize(
    ("chunks", "lines", "statuses"),
    [
        (["one\ntw", "o\n\nthree"], ["one", "two", "", "three"], []),
        (["\r 10%", "\r 20%\r 30%", "\r100%\n"], ["100%"], [" 10%", " 30%", ""]),
        (["windows\r\nlines\r\n"], ["windows", "lines"], []),
        (["\r 50%", "\rdone\nnext\n"], ["done", "next"], [" 50%", ""]),
    ],
)
def test_lines_and_progress_are_told_apart(
    chunks: list[str], lines: list[str], statuses: list[str]
) -> None:
    seen: list[str] = []
    drawn: list[str] = []
    cutter = Lines(seen.append, drawn.append)
    for chunk in chunks:
        cutter.feed(chunk)
    cutter.close()
    assert seen == lines
    assert drawn == statuses
    assert list(cutter.tail) == lines


def test_a_line_without_end_is_cut_before_it_fills_the_memory() -> None:
    seen: list[str] = []
    cutter = Lines(seen.append, lambda _line: None)
    for _ in range(100):
        cutter.feed("x" * 1_000)
    assert len(seen) == 5
    assert all(len(line) < 20_000 for line in seen)


def test_a_bar_fits_its_columns_and_never_passes_its_end() -> None:
    assert bar(5, 10, "half", columns=60) == "[##########..........]  50% half"
    assert bar(20, 10, "x", columns=60).startswith("[####################] 100%")
    assert len(bar(1, 2, "long " * 50, columns=40)) == 40
