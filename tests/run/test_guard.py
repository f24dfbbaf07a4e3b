"""The guard process: it cleans up what is registered when its standard input closes."""

import subprocess
import sys
from pathlib import Path

from runner import guard


def start_sleeper() -> "subprocess.Popen[bytes]":
    return subprocess.Popen(["sleep", "600"], start_new_session=True)


def test_the_guard_cleans_up_what_is_still_registered(tmp_path: Path) -> None:
    kept, removed = tmp_path / "kept", tmp_path / "with a space"
    kept.mkdir()
    removed.mkdir()
    with start_sleeper() as registered, start_sleeper() as unregistered:
        orders = [f"remove {kept}", f"remove {removed}", f"keep {kept}"]
        orders += [f"group {process.pid} 15" for process in (registered, unregistered)]
        orders += [f"gone {unregistered.pid}", ""]
        command = [sys.executable, guard.__file__]
        with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as running:
            assert running.stdin is not None
            running.stdin.write("\n".join(orders))
            running.stdin.close()
            assert registered.wait(guard.GRACE_SECONDS) == -15
        assert unregistered.poll() is None
        unregistered.kill()
    assert list(tmp_path.iterdir()) == [kept]
