"""`run.py test`: checks and tests, on SQLite and on a private PostgreSQL, side by side."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from runner.children import Children
from runner.coverage import combine_coverage, coverage_line
from runner.installation import ensure_installed
from runner.postgres import PrivateCluster, binaries, version_in
from runner.project import Project
from runner.steps import Step, StepResult, StepRunner

NOTHING_SELECTED = 5  # pytest's exit status
SELECTING_OPTIONS = ("-k", "-m", "--deselect", "--ignore", "--last-failed", "--lf")
# Settings without which `manage.py check --deploy` warns.
DEPLOYED = {
    "HTTPS": "true",
    "TESTING": "false",
    "ALIBABA_CLOUD_ACCESS_KEY_ID": "key",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "secret",
    "CDN_DOMAINS": "media.example.com",
    "VOD_CALLBACK_URL": "https://console.example.com/vodcallback/callback",
    "VOD_CALLBACK_KEY": "key",
    "VOD_TRANSCODE_TEMPLATE_GROUP_ID": "standard",
    "VOD_NARROWBAND_TEMPLATE_GROUP_ID": "narrowband",
}
WITHOUT_POSTGRES = (
    "no binaries found on PATH or in the distribution's folder (/usr/lib/postgresql/*/bin), "
    "or SHORTVIDEO_POSTGRES=off"
)


@dataclass(frozen=True)
class TestOptions:
    """`arguments` and `variables` go to pytest."""

    arguments: Sequence[str]
    is_fast: bool = False
    is_on_both: bool = False
    with_coverage: bool = False
    with_checks: bool = True
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def are_selecting(self) -> bool:
        """Whether the arguments choose tests: too few to be divided among lanes."""
        return any(
            not argument.startswith("-") or argument.startswith(SELECTING_OPTIONS)
            for argument in self.arguments
        )


class Session:
    """One run of `run.py test`: how its steps run, and their results."""

    def __init__(self, options: TestOptions, runner: StepRunner, coverage: Path | None) -> None:
        self.options = options
        self.runner = runner
        self.coverage = coverage  # the folder of the data files, or None
        self.checks: list[StepResult] = []
        self.tests: list[StepResult] = []

    async def check(self, checks: Sequence[Step]) -> None:
        for check in checks:
            self.checks.append(await self.runner.run(check))

    async def test(self, name: str, *selection: str, url: str = "") -> None:
        """Run pytest. `selection`: options of `tests.support.traits`; `url`: a DATABASE_URL."""
        variables = {**self.options.variables, **({"DATABASE_URL": url} if url else {})}
        slug = "-".join(filter(str.isalpha, name.replace(",", "").lower().split()))
        colour = "yes" if self.runner.console.is_terminal else "no"
        command = self.runner.python.module(
            "pytest",
            "-ra",  # nothing is skipped silently
            f"--color={colour}",
            *("-o", f"cache_dir=.pytest_cache/{slug}"),
            *("-p", "tests.support.traits", *selection),
            *(("--cov", "--cov-report=") if self.coverage else ()),
            *self.options.arguments,
        )
        if self.coverage:
            variables["COVERAGE_FILE"] = str(self.coverage / slug)
        accepted = {0, NOTHING_SELECTED} if self.options.arguments else {0}
        environment = self.runner.environment(**variables)
        step = Step(f"pytest on {name}", command, environment, frozenset(accepted), is_pytest=True)
        self.tests.append(await self.runner.run(step))


async def run_tests(options: TestOptions, project: Project, children: Children) -> bool:
    """Run checks and tests. Returns whether all passed."""
    python = await ensure_installed(project, children)
    with ExitStack() as stack:
        coverage = None
        if options.with_coverage:
            coverage = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="shortvideo-")))
        session = Session(options, StepRunner(children, python), coverage)
        heartbeat = asyncio.create_task(session.runner.report_progress())
        stack.callback(heartbeat.cancel)
        left_out = await (_run_fast(session) if options.is_fast else _run_all(session))
        line = ""
        if coverage:
            files = await combine_coverage(coverage, children, python)
            line = files if isinstance(files, str) else coverage_line(files)
    return _report(session, left_out, line)


async def _run_fast(session: Session) -> str:
    """Run what takes less than a minute in total. Returns a sentence about the rest."""
    lint = _lint(session.runner)
    _announce(session, lint, "on SQLite, without slow tests")
    fast = "--without=slow"
    if session.options.are_selecting:
        runs = [session.test("SQLite", fast)]
    else:
        runs = [
            session.test("SQLite", fast, "--with=database"),
            session.test("no database", fast, "--without=database"),
        ]
    await asyncio.gather(session.check(lint), *runs)
    checks = ", ".join(check.name for check in _other_checks(session.runner))
    tests = "the tests that start a program, wait or commit"
    return f"Left out (--fast): {checks}, PostgreSQL, and {tests}."


async def _run_all(session: Session) -> str:
    """Run everything in lanes. Returns a sentence about PostgreSQL if it is missing."""
    checks = [*_lint(session.runner), *_other_checks(session.runner)]
    if not session.options.with_checks:
        checks = []
    folder = binaries()
    if folder is None:
        _announce(session, checks, "on SQLite")
        await asyncio.gather(session.check(checks), *_lanes(session, "SQLite"))
        return f"PostgreSQL was not tested: {WITHOUT_POSTGRES}."
    name = f"PostgreSQL {version_in(folder)}"
    _announce(session, checks, f"on SQLite, and on {name} what touches the database")
    is_on_both = session.options.is_on_both
    left_to_postgres = () if is_on_both else ("--without=postgresql_only",)
    left_to_sqlite = () if is_on_both else ("--without=sqlite_only",)
    await asyncio.gather(
        session.check(checks),
        *_lanes(session, "SQLite", *left_to_postgres),
        _run_on_postgres(session, folder, name, *left_to_sqlite),
    )
    return ""


async def _run_on_postgres(session: Session, folder: Path, name: str, *selection: str) -> None:
    async with _cluster(session, folder) as url:
        await asyncio.gather(*_lanes(session, name, "--with=database", *selection, url=url))


def _lanes(
    session: Session, database: str, *selection: str, url: str = ""
) -> list[Awaitable[None]]:
    """Two runs of pytest side by side: tests of processes mostly wait, and leave a core free."""
    main_url, processes_url = (url and f"{url}{name}" for name in ("console", "processes"))
    if session.options.are_selecting:
        return [session.test(database, *selection, url=main_url)]
    return [
        session.test(f"{database}, processes", *selection, "--with=waits", url=processes_url),
        session.test(database, *selection, "--without=waits", url=main_url),
    ]


@asynccontextmanager
async def _cluster(session: Session, folder: Path) -> AsyncIterator[str]:
    """Start a private cluster beside everything else. Yields DATABASE_URL without a name."""
    cluster = PrivateCluster(folder, watch=session.runner.children.guard.order)
    starting = asyncio.create_task(asyncio.to_thread(cluster.start))
    try:
        await asyncio.shield(starting)
        yield cluster.url.removesuffix("postgres")  # each run makes a test database of its own
    finally:
        await asyncio.wait([starting])  # a thread cannot be cancelled
        await asyncio.to_thread(cluster.stop)


def _lint(runner: StepRunner) -> list[Step]:
    python, plain = runner.python, runner.environment()
    return [
        Step("ruff check", python.module("ruff", "check", "."), plain),
        Step("ruff format", python.module("ruff", "format", "--check", "."), plain),
    ]


def _other_checks(runner: StepRunner) -> list[Step]:
    python, plain = runner.python, runner.environment()
    as_deployed = runner.environment(**DEPLOYED, SECRET_KEY=os.urandom(32).hex())
    return [
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


def _announce(session: Session, checks: Sequence[Step], where: str) -> None:
    pytest = " ".join(["pytest", *session.options.arguments])
    session.runner.console.say(f"Running {len(checks)} checks and {pytest} {where}.")


def _report(session: Session, left_out: str, coverage: str) -> bool:
    """Print failures and coverage, then the summary of each pytest run and their sum."""
    console = session.runner.console
    tests = sorted(session.tests, key=lambda run: run.step.name)
    results = (*session.checks, *tests)
    for result in (*(each for each in session.checks if not each.is_passed), *tests):
        console.block("\n".join([f"\n----- {result.step.name} -----", *result.output]))
    if coverage:
        console.block(coverage)
    failed = [result.step.name for result in results if not result.is_passed]
    passed = [result.step.name for result in session.checks if result.is_passed]
    console.block(f"Checks passed: {', '.join(passed) or 'none'}.")
    if failed:
        console.block(f"FAILED: {', '.join(failed)}.")
    if left_out:
        console.block(left_out)
    for run in tests:
        console.block(f"{run.step.name}: {run.summary}")
    console.block(_sum_line(tests))
    return not failed


def _sum_line(runs: Sequence[StepResult]) -> str:
    """The sum of pytest's summaries. A run that broke off without one counts as a failed test."""
    passed, skipped = (sum(run.count(word) for run in runs) for word in ("passed", "skipped"))
    failed = sum(max(run.count("failed") + run.count("errors?"), not run.is_passed) for run in runs)
    return f"{passed} passed, {failed} failed, {skipped} skipped"
