"""Kills, freezes and a crash of the database, at moments that a seed chooses."""

import random
import signal
from collections import Counter
from collections.abc import Callable
from itertools import cycle
from typing import Any

from runner.postgres import PrivateCluster
from tests.faults.processes import Supervisor
from tests.faults.storm.freezes import Freeze
from tests.faults.storm.scale import Scale
from tests.faults.storm.tasks import Task, wait_for_all

WEB, WORKERS = "web", ("work-1", "work-2")
TARGETS = ("a worker", "a process of the web server", "a worker", "the web server")

# The keys of `counts`; KILLED is followed by the target.
KILLED, FROZEN, CRASHED = "kill -9", "frozen past the lease", "PostgreSQL crashed and restarted"

LOOK_SECONDS = 0.02
FREEZES_END_SECONDS = 400.0

Step = Callable[[], None]


class Chaos(Task):
    """Kills, freezes and restarts as often as the scale says, while decisions are taken.

    `progress` returns the share of decisions that were answered, `leases` the running leases. A
    frozen worker is not killed.
    """

    def __init__(
        self,
        supervisor: Supervisor,
        cluster: PrivateCluster | None,
        scale: Scale,
        seed: str,
        *,
        progress: Callable[[], float],
        leases: Callable[[], list[list[Any]]],
    ) -> None:
        super().__init__("chaos")
        self.counts: Counter[str] = Counter()
        self._progress, self._leases = progress, leases
        self._programs, self._cluster, self._scale = supervisor.programs, cluster, scale
        self._random = random.Random(seed)
        self._targets = cycle(TARGETS)
        self._freezes: list[Freeze] = []

    def stop(self) -> None:
        for freeze in self._freezes:
            freeze.stopping.set()
        super().stop()

    def work(self) -> None:
        try:
            self._follow(self._plan())
        finally:
            wait_for_all(self._freezes, FREEZES_END_SECONDS)
            self.counts[FROZEN] = sum(freeze.has_lost for freeze in self._freezes)

    def _plan(self) -> list[tuple[float, Step]]:
        """The steps, each with the share of answered decisions at which it happens."""
        scale, draw = self._scale, self._random.uniform
        plan = [(draw(0, 0.95), self._kill) for _ in range(scale.kills)]
        span = 0.95 / max(scale.freezes, 1)
        plan += [(span * (n + draw(0, 0.3)), self._freeze) for n in range(scale.freezes)]
        plan.append((draw(0.3, 0.7), self._restart_database))
        return sorted(plan, key=lambda item: item[0])

    def _follow(self, plan: list[tuple[float, Step]]) -> None:
        for share, step in plan:
            while self._progress() < share:
                if self.stopping.wait(LOOK_SECONDS):
                    return
            step()

    def _kill(self) -> None:
        target = next(self._targets)
        if target == "a worker":
            self._programs[self._free_worker()].kill()
        elif target == "the web server":
            self._programs[WEB].kill()
        else:
            self._programs[WEB].kill_child()
        self.counts[f"{KILLED} of {target}"] += 1

    def _free_worker(self) -> str:
        """Wait for a worker that is not frozen. Returns its name."""
        while True:
            held = {freeze.name for freeze in self._freezes if not freeze.ends_within(0)}
            free = [name for name in WORKERS if name not in held]
            if free:
                return self._random.choice(free)
            self.stopping.wait(LOOK_SECONDS)

    def _freeze(self) -> None:
        freeze = Freeze(
            self._programs[self._free_worker()],
            self._leases,
            lease_seconds=self._scale.lease_seconds,
            seconds=self._scale.freeze_seconds,
        )
        self._freezes.append(freeze)
        freeze.start()

    def _restart_database(self) -> None:
        if self._cluster is None:
            raise LookupError("Over SQLite there is no database to restart.")
        self._cluster.restart(signal.SIGQUIT)
        self.counts[CRASHED] += 1
