"""Work in a thread that can be stopped, and whose error is not lost."""

import threading
import time
from collections.abc import Sequence


class Task:
    """One thread. `work` looks at `stopping`; what it raises is raised by `wait_for`."""

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
        """Ask it to end, and wait for that; nothing to do where it never began."""
        self.stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def ends_within(self, seconds: float) -> bool:
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self.work()
        except BaseException as error:  # noqa: BLE001 - raised by the thread that waits for it
            self.error = error


def wait_for_all(tasks: Sequence[Task], seconds: float) -> None:
    """Until all have ended; raises what one of them raised, or TimeoutError."""
    ends_at = time.monotonic() + seconds
    for task in tasks:
        if not task.ends_within(max(0.1, ends_at - time.monotonic())):
            raise TimeoutError(f"{task.name} did not end in time.")
        if task.error is not None:
            raise task.error
