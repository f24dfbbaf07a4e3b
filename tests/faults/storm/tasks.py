"""Threads that can be stopped, and whose errors are raised in the test."""

import threading
import time
from collections.abc import Sequence


class Task:
    """One thread. `work` checks `stopping`; `wait_for_all` raises its error."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.error: BaseException | None = None
        self.stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name)

    def work(self) -> None:
        raise NotImplementedError

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Set `stopping` and wait for the end of the thread, if it was started."""
        self.stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def ends_within(self, seconds: float) -> bool:
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self.work()
        except BaseException as error:  # noqa: BLE001 - `wait_for_all` raises it
            self.error = error


def wait_for_all(tasks: Sequence[Task], seconds: float) -> None:
    """Wait until all have ended. Raises the error of a task, or TimeoutError."""
    ends_at = time.monotonic() + seconds
    for task in tasks:
        if not task.ends_within(max(0.1, ends_at - time.monotonic())):
            raise TimeoutError(f"{task.name} did not end in time.")
        if task.error is not None:
            raise task.error
