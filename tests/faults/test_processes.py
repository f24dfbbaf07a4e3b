"""A process is gone when `kill` returns: each kill that a storm counts has ended one."""

import sys
from pathlib import Path

import pytest

from tests.faults import processes
from tests.faults.processes import Supervisor, children_of
from tests.support.localvod import wait_until

SLEEPER = "import signal; signal.pause()"
PARENT = f"""
import signal, subprocess, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for _ in range(2):
    subprocess.Popen([sys.executable, "-c", "{SLEEPER}"])
signal.pause()
"""


def test_two_kills_in_a_row_end_two_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "RESTART_SECONDS", 0.01)
    with Supervisor(tmp_path, tmp_path) as supervisor:
        program = supervisor.run("sleeper", [sys.executable, "-c", SLEEPER], {})
        program.kill()
        program.kill()
        wait_until(lambda: program.start_count == 3)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="there is no /proc")
def test_two_kills_of_children_end_two_of_them(tmp_path: Path) -> None:
    with Supervisor(tmp_path, tmp_path) as supervisor:
        program = supervisor.run("parent", [sys.executable, "-c", PARENT], {})
        wait_until(lambda: len(children_of(program.running_pid())) == 2)
        program.kill_child()
        program.kill_child()
        assert children_of(program.running_pid()) == []
        assert program.start_count == 1
