"""Kills, freezes and a crash of the database, at moments that a seed chooses."""

import random
import signal
import threading
from collections import Counter
from collections.abc import Callable
from itertools import cycle

from runner.postgres import PrivateCluster
from tests.faults.processes import Program, Supervisor
from tests.faults.storm.scale import Scale
from tests.faults.storm.tasks import Task

WEB, WORKERS = "web", ("work-1", "work-2")
TARGETS = ("a worker", "a process of the web server", "a worker", "the web server")

LOOK_SECONDS = 0.02

Step = Callable[[], None]


class Chaos(Task):
    """Does all that the scale asks for while the decisions are taken; `counts` says what was done.

    `progress` is the share of them that was answered.
    A frozen worker is left alone until it goes on.
    """

    def __init__(
        self,
        supervisor: Supervisor,
        cluster: PrivateCluster | None,
        scale: Scale,
        seed: str,
        progress: Callable[[], float],
    ) -> None:
        super().__init__("chaos")
        self.counts: Counter[str] = Counter()
        self._progress = progress
        self._programs, self._cluster, self._scale = supervisor.programs, cluster, scale
        self._random = random.Random(seed)
        self._targets = cycle(TARGETS)
        self._frozen: set[str] = set()
        self._freezes: list[threading.Thread] = []

    def work(self) -> None:
        try:
            self._follow(self._plan())
        finally:
            for freeze in self._freezes:
                freeze.join()

    def _plan(self) -> list[tuple[float, Step]]:
        """What happens once which share of the decisions was answered."""
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
            free = [name for name in WORKERS if name not in self._frozen]
            self._programs[self._random.choice(free)].kill()
        elif target == "the web server":
            self._programs[WEB].kill()
        else:
            self._programs[WEB].kill_child()
        self.counts[f"kill -9 of {target}"] += 1

    def _freeze(self) -> None:
        name = self._random.choice([name for name in WORKERS if name not in self._frozen])
        freeze = threading.Thread(target=self._hold, args=(self._programs[name],))
        self._frozen.add(name)
        self._freezes.append(freeze)
        freeze.start()

    def _hold(self, program: Program) -> None:
        program.freeze(self._scale.freeze_seconds)
        self._frozen.discard(program.name)
        self.counts["frozen past the lease"] += 1

    def _restart_database(self) -> None:
        if self._cluster is None:
            raise LookupError("Over SQLite there is no database to restart.")
        self._cluster.restart(signal.SIGQUIT)
        self.counts["PostgreSQL crashed and restarted"] += 1
