"""`run.py demo`: VOD, the server and its worker on this machine, with clips to moderate."""

import asyncio
import os
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from runner import settings
from runner.children import Children, LineReader
from runner.console import Console
from runner.failure import Failure
from runner.installation import MEGABYTE, ensure_installed, lack_of_space
from runner.lock import seeding_lock
from runner.project import Project, Python
from runner.supervision import LAST_WORDS, Part, keep_alive, wait_for_http

SPACE_FOR_CLIPS = 500 * MEGABYTE
SEED_ATTEMPTS = 3
CLIPS = 24
MOST_CLIPS = 1_000  # that localvod makes
OPERATOR = "admin"


@dataclass(frozen=True)
class DemoOptions:
    port: int = 8000
    clips: int | None = None
    is_seeding: bool = True
    is_reset: bool = False
    is_sure: bool = False


@dataclass(frozen=True)
class Demo:
    """One start of the demo: options, settings and programs of all steps."""

    options: DemoOptions
    project: Project
    children: Children
    python: Python
    settings: Mapping[str, str]

    @property
    def console(self) -> Console:
        return self.children.console

    @property
    def vod_port(self) -> int:
        port = self.settings["LOCALVOD_PORT"]
        if not port.isdecimal() or not 1 <= int(port) <= 65_535:
            raise Failure(f"LOCALVOD_PORT is {port!r}; it must be a port from 1 to 65535.")
        return int(port)

    @property
    def environment(self) -> dict[str, str]:
        ours = {
            "ENV_FILE": str(self.project.env_file),
            "DJANGO_SETTINGS_MODULE": "shortvideo.settings",
        }
        return self.python.environment({**self.settings, **ours})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.options.port}"


async def run_demo(
    options: DemoOptions, project: Project, children: Children, *, on_ready: Callable[[], None]
) -> None:
    """Run the demo until cancelled. Raises Failure where a part cannot run."""
    _require_free(options.port, "choose another one with --port")
    if options.is_reset:
        _reset(project, is_sure=options.is_sure)
    with children.console.log_in(project.log_file):
        try:
            await _run_parts(options, project, children, on_ready)
        finally:
            children.console.status("run", "")


async def _run_parts(
    options: DemoOptions, project: Project, children: Children, on_ready: Callable[[], None]
) -> None:
    started_at = time.monotonic()
    children.console.say("Starting. The first start takes longest.")
    python = await ensure_installed(project, children)
    values = settings.prepare(project, web_port=options.port)
    demo = Demo(options, project, children, python, values)
    _require_free(demo.vod_port, "localvod keeps it (LOCALVOD_PORT in var/env): stop that program")
    try:
        async with asyncio.TaskGroup() as parts:
            # First the console's database: an upgrade of localvod's state cannot go back.
            children.console.status("run", "Preparing the database.")
            await _prepare_database(demo)
            children.console.status("run", "Starting the programs.")
            parts.create_task(keep_alive(_vod_part(demo), children))
            parts.create_task(keep_alive(_web_part(demo), children))
            parts.create_task(keep_alive(_worker_part(demo), children))
            await wait_for_http(demo.vod_port, "/_localvod/healthz", seconds=60)
            await wait_for_http(options.port, "/admin/login/", seconds=60)
            children.console.status("run", "")
            _announce(demo, seconds=time.monotonic() - started_at)
            on_ready()
            await _seed(demo)
            if not children.console.is_quiet:
                _announce_login(demo)  # the log has buried it
    except BaseExceptionGroup as group:
        failures = group.subgroup(Failure)
        raise (failures or group).exceptions[0] from None


def _require_free(port: int, remedy: str) -> None:
    if not settings.is_port_free(port):
        raise Failure(f"Port {port} is taken by another program; {remedy}.")


def _reset(project: Project, *, is_sure: bool) -> None:
    """Delete everything in `var/` but our lock, after asking."""
    database = settings.read_env(project.env_file).get("DATABASE_URL", "sqlite:///var/")
    if not database.startswith("sqlite:///var/"):
        raise Failure("--reset deletes only the demo's own SQLite, but var/env names another one.")
    if not is_sure:
        if not sys.stdin.isatty():
            raise Failure("--reset deletes all data of the demo: add --yes to confirm it.")
        question = f"Delete all data of the demo ({project.var})? [y/N] "
        if input(question).strip().lower() not in ("y", "yes"):
            raise Failure("Nothing was deleted.")
    for path in project.var.iterdir():
        if path == project.lock_file:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def _vod_part(demo: Demo) -> Part:
    state = demo.settings["LOCALVOD_STATE"]
    command = demo.python.module("localvod", "serve", "--port", str(demo.vod_port))
    return Part("localvod", [*command, "--state", state], demo.environment)


def _web_part(demo: Demo) -> Part:
    command = demo.python.module(
        "gunicorn", "shortvideo.wsgi:application", f"--bind=127.0.0.1:{demo.options.port}"
    )
    return Part("web", command, demo.environment)


def _worker_part(demo: Demo) -> Part:
    return Part("worker", demo.python.manage("work"), demo.environment)


async def _prepare_database(demo: Demo) -> None:
    """Migrate, and create the operator where there is none."""
    is_ours = demo.settings["DATABASE_URL"] == settings.DATABASE_URL
    if is_ours and not demo.project.database_file.exists():
        # The operator and the clips were rows of the database that is gone.
        demo.project.password_file.unlink(missing_ok=True)
        demo.project.seeded_file.unlink(missing_ok=True)
    # Before it changes anything, `migrate` refuses a database that does not fit.
    migrate = demo.python.manage("migrate", "--verbosity=1", "--no-input", "--skip-checks")
    await _run_step(demo, "migrate", migrate)
    if demo.project.password_file.exists():
        return
    password = secrets.token_urlsafe(12)
    command = demo.python.manage(
        "create_operator", f"--username={OPERATOR}", "--role=administrator", "--password-stdin"
    )
    await _run_step(demo, "operator", command, given=password)
    settings.replace_secret_file(demo.project.password_file, password + "\n")


async def _run_step(demo: Demo, name: str, command: list[str], *, given: str = "") -> None:
    console = demo.console
    status, lines = await demo.children.run(
        name,
        command,
        environment=demo.environment,
        given=given,
        on_line=lambda line: console.note(name, line),
        draws_bars=True,
    )
    if status != 0:
        console.repeat(name, lines)
        raise Failure(f"`{name}` failed (status {status}): its lines above say why.")


def _announce(demo: Demo, *, seconds: float) -> None:
    def place(path: Path) -> Path:
        return path.relative_to(demo.project.root)

    _say_lines(demo, "", f"Ready after {seconds:.1f} s.", "")
    _announce_login(demo)
    _say_lines(
        demo,
        "",
        f"  Password  kept in {place(demo.project.password_file)}",
        f"  Log       {place(demo.project.log_file)}"
        + (" (--verbose shows it here)" if demo.console.is_quiet else ""),
        f"  Also      the desk {demo.url}/admin/, the REST API {demo.url}/console/,",
        f"            VOD and CDN (localvod) http://127.0.0.1:{demo.vod_port}",
        "  Stop      Ctrl-C; a second start keeps the data",
        "",
    )


def _announce_login(demo: Demo) -> None:
    """What to open, and who to be."""
    password = demo.project.password_file.read_text(encoding="utf-8").strip()
    _say_lines(demo, f"  Open      {demo.url}/admin/review/")
    demo.console.say(f"  Log in    {OPERATOR}, password {password}", is_secret=True)


def _say_lines(demo: Demo, *lines: str) -> None:
    for line in lines:
        demo.console.say(line)


async def add_clips(options: DemoOptions, project: Project, children: Children) -> None:
    """Make more clips for the demo that is running in this checkout."""
    values = {
        name: os.environ.get(name, value)
        for name, value in settings.read_env(project.env_file).items()
    }
    if "LOCALVOD_PORT" not in values:
        raise Failure("The demo is still starting: add clips when it is ready.")
    python = await ensure_installed(project, children)
    demo = Demo(options, project, children, python, values)
    await wait_for_http(demo.vod_port, "/_localvod/healthz", seconds=60)
    if not await _seed(demo):
        raise Failure("The clips are not complete. Run the same command again.")


class StepFailed(Exception):
    """A step of the seeding has failed for the last time; str() is its name."""


async def _seed(demo: Demo) -> bool:
    """Make, upload and settle the clips, unless an earlier start has done so.

    Each command resumes where it was interrupted, so a failed command is run again. After the last
    failed attempt the console runs on without clips. Returns whether all clips are there.
    """
    console = demo.console
    if not demo.options.is_seeding:
        console.say("No demo clips are made (--no-seed).")
        return True
    async with seeding_lock(demo.project, console):
        total = _wanted(demo)
        if not total:
            console.say("The demo clips are there already; --clips N adds N more.")
            return True
        if lack := lack_of_space(demo.project.var, SPACE_FOR_CLIPS):
            console.say(
                f"No demo clips are made: the {lack}. The console runs on without them; another "
                "start of `run.py demo` makes them."
            )
            return False
        started_at = time.monotonic()
        try:
            await _make_clips(demo, total)
        except StepFailed as failed:
            console.say(
                f"The demo clips are not complete: {failed} failed {SEED_ATTEMPTS} times. The "
                "console runs on; another start of `run.py demo` resumes."
            )
            return False
        settings.replace_secret_file(demo.project.seeded_file, f"{total}\n")
    seconds = time.monotonic() - started_at
    console.say(f"The {total} demo clips are ready, after {seconds:.0f} s.")
    return True


def _wanted(demo: Demo) -> int:
    """How many clips there shall be; 0 if none is missing."""
    marker, asked = demo.project.seeded_file, demo.options.clips
    there = int(marker.read_text()) if marker.exists() else 0
    if there and asked is None:
        return 0
    total = there + (asked or CLIPS)
    if total > MOST_CLIPS:
        demo.console.say(f"There are {there} demo clips; {MOST_CLIPS} are the most.")
        return 0 if there >= MOST_CLIPS else MOST_CLIPS
    return total


async def _make_clips(demo: Demo, total: int) -> None:
    """Make and upload clips until there are `total`; meanwhile follow what becomes of them.

    Raises StepFailed or Failure.
    """
    is_followed = asyncio.Event()
    try:
        async with asyncio.TaskGroup() as steps:
            steps.create_task(_follow_clips(demo, total, is_followed))
            await is_followed.wait()  # the reason templates come before the first clip
            await _run_with_retries(demo, "clips", _clips_command(demo, total))
            # The first full sync; afterwards the worker syncs what VOD has modified.
            await _run_with_retries(demo, "sync", demo.python.manage("sync_videos"))
    except* (StepFailed, Failure) as group:
        failure = group.exceptions[0]
    else:
        return
    raise failure


def _clips_command(demo: Demo, total: int) -> list[str]:
    return demo.python.module(
        "localvod",
        "demo",
        f"--clips={total}",
        f"--state={demo.settings['LOCALVOD_STATE']}",
        f"--endpoint=127.0.0.1:{demo.vod_port}",
    )


async def _follow_clips(demo: Demo, total: int, is_followed: asyncio.Event) -> None:
    def read(line: str) -> None:
        is_followed.set()
        if line.startswith("Preparing "):
            demo.console.say(line)
        else:
            demo.console.note("seed", line)

    command = demo.python.manage("seed_demo", f"--operator={OPERATOR}", f"--clips={total}")
    await _run_with_retries(demo, "seed", command, on_line=read, draws_bars=True)


async def _run_with_retries(
    demo: Demo,
    name: str,
    command: list[str],
    *,
    on_line: LineReader | None = None,
    draws_bars: bool = False,
) -> None:
    """Raises StepFailed after the last attempt."""
    console = demo.console
    for attempt in range(1, SEED_ATTEMPTS + 1):
        status, lines = await demo.children.run(
            name,
            command,
            environment=demo.environment,
            on_line=on_line or (lambda line: console.note(name, line)),
            draws_bars=draws_bars,
        )
        if status == 0:
            return
        console.repeat(name, lines[-LAST_WORDS:])
        console.say(f"{name} failed (status {status}, attempt {attempt}).")
        await asyncio.sleep(attempt)
    raise StepFailed(name)
