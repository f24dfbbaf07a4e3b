"""The programs of `run.py test`: how each is started, followed and summed up."""

import asyncio
import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from runner.children import Children
from runner.project import Python

HEARTBEAT_SECONDS = 30.0
PERCENTAGE = re.compile(r"\[ *(\d+)%\]$")
SUMMARY = re.compile(r"=* ?((?:no tests ran|\d+ \w+).* in [\d.]+s.*?)\s*=*$")
NO_SUMMARY = "pytest printed no summary"
COLOUR = re.compile(r"\x1b\[[\d;]*m")


@dataclass(frozen=True)
class Step:
    """One program. It has passed where its exit status is in `accepted`."""

    name: str
    command: Sequence[str]
    environment: dict[str, str]
    accepted: frozenset[int] = frozenset({0})
    is_pytest: bool = False


@dataclass(frozen=True)
class StepResult:
    """How a step ended, and its output."""

    step: Step
    status: int
    output: list[str] = field(default_factory=list)

    @property
    def is_passed(self) -> bool:
        """False too where a test ended pytest itself, as `os._exit(0)` does."""
        has_broken_off = self.step.is_pytest and self.summary == NO_SUMMARY
        return self.status in self.step.accepted and not has_broken_off

    @property
    def summary(self) -> str:
        """The last line of pytest: how many tests passed, failed and were skipped."""
        for line in reversed(self.output):
            found = SUMMARY.search(COLOUR.sub("", line))
            if found:
                return found[1]
        return NO_SUMMARY

    def count(self, outcome: str) -> int:
        """A number of pytest's summary: how many tests have "passed", "failed", ..."""
        found = re.search(rf"(\d+) {outcome}\b", self.summary)
        return int(found[1]) if found else 0


class StepRunner:
    """Runs steps beside each other and shows which of them run."""

    def __init__(self, children: Children, python: Python) -> None:
        self.children = children
        self.console = children.console
        self.python = python
        self._running: dict[str, str] = {}

    def environment(self, **extra: str) -> dict[str, str]:
        """The variables of a step, without the demo's settings and database."""
        environment = self.python.environment({"ENV_FILE": os.devnull, "TESTING": "true", **extra})
        for name in {"DATABASE_URL", "DJANGO_SETTINGS_MODULE"} - extra.keys():
            environment.pop(name, None)
        return environment

    async def run(self, step: Step) -> StepResult:
        """Run a step. Its output is kept for the report."""
        started_at = time.monotonic()
        output: list[str] = []
        self._running[step.name] = ""

        def read(line: str) -> None:
            output.append(line)
            if found := PERCENTAGE.search(COLOUR.sub("", line)):
                self._running[step.name] = f" {found[1]}%"
                self._show_progress()

        self._show_progress()
        try:
            status, _ = await self.children.run(
                step.name, step.command, environment=step.environment, on_line=read
            )
        finally:
            del self._running[step.name]
            self._show_progress()
        result = StepResult(step, status, output)
        verdict = "ok" if result.is_passed else "FAILED"
        seconds = time.monotonic() - started_at
        self.console.say(f"{verdict:6} {step.name} ({seconds:.0f} s)")
        return result

    async def report_progress(self) -> None:
        """Say now and then what runs, where there is no progress line. Runs until cancelled."""
        while not self.console.is_terminal:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            self.console.say(self._progress())

    def _show_progress(self) -> None:
        self.console.status("run", self._progress() if self._running else "")

    def _progress(self) -> str:
        return "running: " + ", ".join(name + share for name, share in self._running.items())
