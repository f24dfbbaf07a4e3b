"""What a user wrote reaches the log without control characters, and looks like no other line."""

import subprocess
import sys
from pathlib import Path

from runner.console import Console

ROOT = Path(__file__).resolve().parents[2]
BAD = "a\nb\r\x1b[31m\x07\x7f\x9b\u2028\u202e"
ESCAPED = r"a\nb\r\x1b[31m\x07\x7f\x9b\u2028\u202e"
PROGRAM = f"""
import logging
from shortvideo import logs

logs.configure({{"level": "INFO", "format": "console"}})
logger, bad = logging.getLogger("a"), {BAD!r}
logger.warning("Refused %s", bad, extra={{"title": bad, "tags": [bad]}})
try:
    raise ValueError(bad + "\\n2026-01-01T00:00:00Z [info] All is well")
except ValueError:
    logger.exception("A thread failed")
"""


def logged() -> list[str]:
    """The log of PROGRAM. Its lines end with a line feed alone."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, check=True
    )
    return done.stderr.decode().removesuffix("\n").split("\n")


def test_a_message_and_its_values_are_one_line() -> None:
    first, *_ = logged()
    assert first.count(ESCAPED) == 3
    assert f"Refused {ESCAPED} " in first


def test_an_error_in_a_traceback_looks_like_no_line_of_the_log() -> None:
    _, second, *traceback = logged()
    assert "A thread failed" in second
    assert traceback[-2:] == [
        r"  b\r\x1b[31m\x07\x7f\x9b\u2028\u202e",
        "  2026-01-01T00:00:00Z [info] All is well",
    ]
    assert all(line.startswith("  ") for line in traceback)


class Screen:
    """A terminal's output."""

    text = ""

    def isatty(self) -> bool:
        return False

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        pass


def test_the_merged_log_keeps_no_control_character_but_colours() -> None:
    screen = Screen()
    Console(screen).line("localvod", "\x1b[32mOK\x1b[0m \x1b[2J\x1b]0;title\x07 \x9b1m \u202e")  # type: ignore[arg-type]
    assert screen.text == (
        "localvod  | \x1b[32mOK\x1b[0m \\x1b[2J\\x1b]0;title\\x07 \\x9b1m \\u202e\n"
    )
