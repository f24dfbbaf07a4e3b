"""A worker that freezes in a batch, and wakes when another worker has taken its rows."""

import time
from collections.abc import Callable
from typing import Any, Final

from tests.faults.processes import Program
from tests.faults.storm.observer import ObserverError
from tests.faults.storm.tasks import Task

LOST: Final = "The lease was lost"  # logged by a worker that may not write its outcome
TRY_SECONDS: Final = 300.0
PAUSE_SECONDS: Final = 0.05
WAKE_SECONDS: Final = 8.0  # until the call under way has ended; then another try

Lease = tuple[int, str]  # row, end


class Freeze(Task):
    """Freezes a worker again and again until it has lost a lease.

    `leases` returns the running leases. A worker that holds none goes on at once.
    """

    def __init__(
        self,
        program: Program,
        leases: Callable[[], list[list[Any]]],
        *,
        lease_seconds: float,
        seconds: float,
    ) -> None:
        super().__init__(program.name)
        self.has_lost = False
        self._program, self._ask = program, leases
        self._lease_seconds, self._seconds = lease_seconds, seconds

    def work(self) -> None:
        ends_at = time.monotonic() + TRY_SECONDS
        while not self.has_lost and time.monotonic() < ends_at:
            if self.stopping.wait(PAUSE_SECONDS):
                return
            if self._leases():
                self.has_lost = self._hold()

    def _hold(self) -> bool:
        """Freeze once. Returns whether the worker has lost a lease."""
        lost_count = self._lost_count()
        with self._program.frozen():
            stopped_at = time.monotonic()
            if not self._is_any_stale():
                return False
            self.stopping.wait(self._seconds - (time.monotonic() - stopped_at))
        ends_at = time.monotonic() + WAKE_SECONDS
        while self._lost_count() == lost_count and time.monotonic() < ends_at:
            if self.stopping.wait(PAUSE_SECONDS):
                break
        return self._lost_count() > lost_count

    def _is_any_stale(self) -> bool:
        """Whether a lease has no heartbeat for half a lease; one is due each third."""
        before = self._leases()
        if before:
            self.stopping.wait(self._lease_seconds / 2)
        return bool(before & self._leases())

    def _leases(self) -> set[Lease]:
        try:
            return {(row, until) for row, until in self._ask()}
        except ObserverError:
            return set()

    def _lost_count(self) -> int:
        return self._program.log.count(LOST)
