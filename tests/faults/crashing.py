"""The test's side of `crash`: start workers that die or freeze, and follow them."""

import os
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path

from django.conf import settings

from tests.faults.crash import Order
from tests.outbox.support import LONGEST_WAIT_SECONDS

ROOT = Path(__file__).parents[2]


class Workshop:
    """The program that forks workers, one at a time."""

    def __init__(self, database_url: str, endpoint: str) -> None:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.faults.crash_settings",
            "DATABASE_URL": database_url,
            "CRASH_ENDPOINT": endpoint,
            "CRASH_EVIDENCE": settings.STORAGES["evidence"]["OPTIONS"]["location"],
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.crash"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._said: queue.Queue[tuple[str, int]] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            event, number = line.split()
            self._said.put((event, int(number)))

    def expect(self, wanted: str) -> int:
        """Wait for the next line of the program, which must be this event. Returns its number."""
        event, number = self._said.get(timeout=LONGEST_WAIT_SECONDS)
        assert event == wanted, f"{event} {number} instead of {wanted}"
        return number

    def start(self, order: Order) -> "Worker":
        assert self._process.stdin is not None
        self._process.stdin.write(order.as_line())
        self._process.stdin.flush()
        return Worker(self, self.expect("started"), Path(order.log))

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(LONGEST_WAIT_SECONDS)
        self._reader.join()
        self._process.stdout.close()


class Worker:
    """One worker process."""

    def __init__(self, workshop: Workshop, pid: int, log: Path) -> None:
        self._workshop, self._pid, self._log = workshop, pid, log
        self._is_gone = False

    @property
    def log(self) -> str:
        return self._log.read_text()

    def is_killed(self) -> None:
        assert self._workshop.expect("killed") == signal.SIGKILL, self.log
        self._is_gone = True

    def is_frozen(self) -> None:
        assert self._workshop.expect("stopped") == signal.SIGSTOP, self.log

    def wake_up(self) -> None:
        """Let it finish the batch in which it froze, and wait for its end."""
        os.kill(self._pid, signal.SIGTERM)
        os.kill(self._pid, signal.SIGCONT)
        status = self._workshop.expect("exited")
        self._is_gone = True
        assert status == 0, self.log

    def close(self) -> None:
        if not self._is_gone:
            os.kill(self._pid, signal.SIGKILL)
            self._workshop.expect("killed")
