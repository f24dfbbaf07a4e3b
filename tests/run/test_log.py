"""What `run.py demo` shows on the terminal, and its log file."""

import re
import signal
from contextlib import closing
from pathlib import Path

import pytest

from runner import log_file
from runner.loudness import Loudness
from tests.run.checkout import Checkout


def test_with_verbose_each_line_names_its_program(checkout: Checkout) -> None:
    run = checkout.demo("--verbose")
    run.wait_for("demo clips are ready")
    run.signal(signal.SIGTERM)
    assert all(re.match(r"[a-z]+ +\| ", line + " ") for line in run.lines), run.log
    assert "seed      | seeded" in run.lines
    assert "[info     ] worker started" in run.log
    assert "\x1b" not in run.log
    password = (checkout.var / "operator-password.txt").read_text().strip()
    end = run.log.index("demo clips are ready")
    assert password in run.log[end:], "the log has buried it"


def test_without_verbose_only_warnings_are_shown(checkout: Checkout) -> None:
    run = checkout.demo()
    run.wait_for("demo clips are ready")
    run.wait_for("since this morning")
    run.signal(signal.SIGTERM)
    assert "Preparing 24 demo clips, 7 done" in run.lines
    assert "worker    | 2026-12-01T06:45:57Z [warning  ] worker is tired" in run.log
    for hidden in ("[info", "[INFO]", "seeded", "reason templates"):
        assert hidden not in run.log
        assert hidden in checkout.log


def test_the_log_of_the_start_before_is_kept(checkout: Checkout) -> None:
    for _ in range(3):
        checkout.demo("--no-seed").signal(signal.SIGTERM)
        assert checkout.log.count("Ready after") == 1
    assert sorted(path.name for path in checkout.var.glob("demo.log*")) == [
        "demo.log",
        "demo.log.1",
    ]


def test_the_log_does_not_grow_without_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_file, "LARGEST", 100)
    with closing(log_file.LogFile(tmp_path / "log")) as log:
        for number in range(1000):
            log.write(f"line {number}")
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 250
    assert "line 999" in "".join(path.read_text() for path in tmp_path.iterdir())


@pytest.mark.parametrize(
    ("lines", "shown"),
    [
        (["2026-12-01T06:45:56Z [info     ] request [it] path=/[error]/"], ""),
        (["2026-12-01T06:45:56Z [error    ] request [it]", "  Traceback", "  E: 1"], "012"),
        (["[2026-12-01 06:45:55 +0000] [20030] [INFO] Booting", "[x] [1] [ERROR] died"], "1"),
        (["INFO localvod.media: ffmpeg ended", "WARNING localvod.events: event dropped"], "1"),
        (['{"event": "a", "level": "info"}', '{"event": "b", "level": "critical"}'], "1"),
        (["listening on http://127.0.0.1:1", "Traceback (most recent call last):", "  x"], "12"),
    ],
)
def test_which_lines_a_quiet_terminal_shows(lines: list[str], shown: str) -> None:
    loudness = Loudness()
    loud = [loudness.is_loud("web", line, is_loud_by_itself=True) for line in lines]
    assert "".join(str(number) for number, is_loud in enumerate(loud) if is_loud) == shown
