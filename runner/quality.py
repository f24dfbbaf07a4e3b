"""`run.py test`: all checks and all tests, on SQLite and on a private PostgreSQL, side by side."""

import asyncio
import os
import re
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from runner.children import Children
from runner.coverage import coverage_table
from runner.installation import installed
from runner.postgres import PrivateCluster, binaries, version_in
from runner.project import Project, Python

NOTHING_SELECTED = 5  # pytest's exit status
SUMMARY = re.compile(r"=* ?((?:no tests ran|\d+ \w+).* in [\d.]+s.*?)\s*=*$")
SHARE = re.compile(r"\[ *(\d+)%\]$")
COLOUR = re.compile(r"\x1b\[[\d;]*m")
WITHOUT_POSTGRES = (
    "no binaries found on PATH or in the distribution's folder (/usr/lib/postgresql/*/bin), "
    "or SHORTVIDEO_POSTGRES=off"
)
HEARTBEAT_SECONDS = 30.0
# Decided by the plugin in tests/support: deselects what does not touch the database.
DATABASE_TESTS_ONLY = ("-p", "tests.support.database_only")


@dataclass(frozen=True)
class Step:
    """One program whose exit status 0 means that all is well."""

    name: str
    command: Sequence[str]
    environment: dict[str, str]
    accepted: frozenset[int] = frozenset({0})


@dataclass
class Outcome:
    """How a step ended, and what it printed."""

    step: Step
    is_passed: bool
    seconds: float
    output: list[str] = field(default_factory=list)

    @property
    def summary(self) -> str:
        """Pytest's last word: how many tests passed, failed and were skipped."""
        for line in reversed(self.output):
            found = SUMMARY.search(COLOUR.sub("", line))
            if found:
                return found[1]
        return "pytest printed no summary"


class Session:
    """One run of `run.py test`: what runs now, and what has ended."""

    def __init__(
        self, project: Project, children: Children, python: Python, coverage: Path | None
    ) -> None:
        self.project = project
        self.coverage = coverage  # the folder of its data files; None: it is not measured
        self.children = children
        self.console = children.console
        self.python = python
        self.checks: list[Outcome] = []
        self._running: dict[str, str] = {}

    def environment(self, **extra: str) -> dict[str, str]:
        """The surroundings of a test: nothing of the demo's settings nor of a database in use."""
        environment = self.python.environment({"ENV_FILE": os.devnull, "TESTING": "true", **extra})
        for name in {"DATABASE_URL", "DJANGO_SETTINGS_MODULE"} - extra.keys():
            environment.pop(name, None)
        return environment

    async def perform(self, step: Step) -> Outcome:
        """Run a step, its output kept together for later."""
        started_at = time.monotonic()
        output: list[str] = []
        self._running[step.name] = ""

        def read(line: str) -> None:
            output.append(line)
            share = SHARE.search(COLOUR.sub("", line))
            self._running[step.name] = f" {share[1]}%" if share else self._running[step.name]
            self.show_progress()

        self.show_progress()
        try:
            status, _ = await self.children.run(
                step.name, step.command, environment=step.environment, on_line=read
            )
        finally:
            del self._running[step.name]
            self.show_progress()
        seconds = time.monotonic() - started_at
        outcome = Outcome(step, status in step.accepted, seconds, output)
        verdict = "ok" if outcome.is_passed else "FAILED"
        self.console.say(f"{verdict:6} {step.name} ({seconds:.0f} s)")
        return outcome

    def show_progress(self) -> None:
        running = ", ".join(name + share for name, share in self._running.items())
        self.console.status("run", running and f"running: {running}")

    async def report_progress(self) -> None:
        """Where there is no progress line, a sign of life now and then."""
        while not self.console.is_terminal:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            running = ", ".join(name + share for name, share in self._running.items())
            self.console.say(f"running: {running}")


async def run_tests(
    arguments: Sequence[str], project: Project, children: Children, *, with_coverage: bool
) -> bool:
    """Whether all checks and tests passed; pytest gets the arguments."""
    python = await installed(project, children)
    async with AsyncExitStack() as stack:
        coverage = None
        if with_coverage:
            coverage = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="shortvideo-")))
        session = Session(project, children, python, coverage)
        postgres = binaries()
        name = f"PostgreSQL {version_in(postgres)}" if postgres else ""
        session.console.say(
            f"Running {len(checks(session))} checks and pytest {' '.join(arguments)}".rstrip()
            + (f" on SQLite, and on {name} what touches the database." if name else " on SQLite.")
        )
        heartbeat = asyncio.create_task(session.report_progress())
        stack.callback(heartbeat.cancel)
        async with asyncio.TaskGroup() as lanes:
            sqlite = lanes.create_task(session.perform(pytest_step(session, "SQLite", arguments)))
            other = lanes.create_task(checks_then_postgres(session, arguments, postgres, name))
        table = await coverage_table(coverage, children, python) if coverage else ""
    return report(session, [o for o in (other.result(), sqlite.result()) if o], table)


async def checks_then_postgres(
    session: Session, arguments: Sequence[str], folder: Path | None, name: str
) -> Outcome | None:
    for check in checks(session):
        session.checks.append(await session.perform(check))
    if folder is None:
        return None
    # Starting takes two or three seconds, in which nobody else of us needs the event loop.
    with PrivateCluster(folder, watch=session.children.guard.order) as cluster:
        arguments = [*DATABASE_TESTS_ONLY, *arguments]
        step = pytest_step(session, name, arguments, DATABASE_URL=cluster.url)
        return await session.perform(step)


def checks(session: Session) -> list[Step]:
    python, plain = session.python, session.environment()
    as_deployed = session.environment(
        HTTPS="true", TESTING="false", SECRET_KEY=os.urandom(32).hex()
    )
    return [
        Step("ruff check", python.module("ruff", "check", "."), plain),
        Step("ruff format", python.module("ruff", "format", "--check", "."), plain),
        Step("mypy", python.module("mypy", "."), plain),
        Step("import contracts", [str(python.directory / "bin" / "lint-imports")], plain),
        Step("templates", python.module("djlint", ".", "--lint", "--quiet"), plain),
        Step("migrations", python.manage("makemigrations", "--check", "--dry-run"), plain),
        Step(
            "system check",
            python.manage("check", "--deploy", "--fail-level=WARNING"),
            as_deployed,
        ),
    ]


def pytest_step(
    session: Session,
    database: str,
    arguments: Sequence[str],
    **extra: str,
) -> Step:
    """Pytest on one database; with arguments it may be that they select nothing there."""
    slug = database.partition(" ")[0].lower()
    colour = "yes" if session.console.is_terminal else "no"
    command = session.python.module(
        "pytest",
        "-ra",  # nothing is skipped silently
        f"--color={colour}",
        *("-o", f"cache_dir=.pytest_cache/{slug}"),
        *(("--cov", "--cov-report=") if session.coverage else ()),
        *arguments,
    )
    if session.coverage:
        extra["COVERAGE_FILE"] = str(session.coverage / slug)
    accepted = frozenset({0, NOTHING_SELECTED}) if arguments else frozenset({0})
    return Step(f"pytest on {database}", command, session.environment(**extra), accepted)


def report(session: Session, runs: Sequence[Outcome], coverage: str) -> bool:
    """Print what failed, the coverage, and pytest's own summaries last."""
    console = session.console
    for check in session.checks:
        if not check.is_passed:
            console.block(headed(check.step.name, check.output))
    for run in runs:
        console.block(headed(run.step.name, run.output))
    if coverage:
        console.block(coverage)
    failed = [outcome.step.name for outcome in (*session.checks, *runs) if not outcome.is_passed]
    passed = [outcome.step.name for outcome in session.checks if outcome.is_passed]
    console.block(f"Checks passed: {', '.join(passed) or 'none'}.")
    if failed:
        console.block(f"FAILED: {', '.join(failed)}.")
    if len(runs) == 1:
        console.block(f"PostgreSQL was not tested: {WITHOUT_POSTGRES}.")
    for run in runs:
        console.block(f"{run.step.name}: {run.summary}")
    return not failed


def headed(name: str, output: Sequence[str]) -> str:
    return "\n".join([f"\n----- {name} -----", *output])
