"""`run.py demo`: VOD, the server and its worker on this machine, with clips to moderate."""

import asyncio
import secrets
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass

from runner import settings
from runner.children import Children
from runner.console import Console
from runner.failure import Failure
from runner.installation import MEGABYTE, ensure_installed, lack_of_space
from runner.project import Project, Python
from runner.supervision import Part, keep_alive, wait_for_http

SPACE_FOR_CLIPS = 500 * MEGABYTE
SEED_ATTEMPTS = 3
OPERATOR = "admin"


@dataclass(frozen=True)
class DemoOptions:
    port: int = 8000
    clips: int = 24
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


async def run_demo(options: DemoOptions, project: Project, children: Children) -> None:
    """Run the demo until cancelled. Raises Failure where a part cannot run."""
    started_at = time.monotonic()
    _require_free(options.port, "choose another one with --port")
    if options.is_reset:
        _reset(project, is_sure=options.is_sure)
    python = await ensure_installed(project, children)
    values = settings.prepare(project, web_port=options.port)
    demo = Demo(options, project, children, python, values)
    _require_free(demo.vod_port, "localvod keeps it (LOCALVOD_PORT in var/env): stop that program")
    try:
        async with asyncio.TaskGroup() as parts:
            # First the console's database: an upgrade of localvod's state cannot go back.
            await _prepare_database(demo)
            parts.create_task(keep_alive(_vod_part(demo), children))
            parts.create_task(keep_alive(_web_part(demo), children))
            parts.create_task(keep_alive(_worker_part(demo), children))
            await wait_for_http(demo.vod_port, "/_localvod/healthz", seconds=60)
            await wait_for_http(options.port, "/admin/login/", seconds=60)
            _announce(demo, seconds=time.monotonic() - started_at)
            await _seed(demo)
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
    status, _ = await demo.children.run(
        name, command, environment=demo.environment, given=given, draws_bars=True
    )
    if status != 0:
        raise Failure(f"`{name}` failed (status {status}): its lines above say why.")


def _announce(demo: Demo, *, seconds: float) -> None:
    place = demo.project.password_file.relative_to(demo.project.root)
    password = demo.project.password_file.read_text(encoding="utf-8").strip()
    for line in (
        f"Ready after {seconds:.1f} s. Ctrl-C stops everything; a second start keeps the data.",
        f"  Console   {demo.url}/admin/",
        f"  Operator  {OPERATOR}, password {password} (kept in {place})",
        f"  REST API  {demo.url}/console/",
        f"  localvod  http://127.0.0.1:{demo.vod_port}",
    ):
        demo.console.say(line)


async def _seed(demo: Demo) -> None:
    """Make, upload and settle the clips, unless an earlier start has done so.

    Each command resumes where it was interrupted, so a failed command is run again. After the last
    failed attempt the console runs on without clips.
    """
    marker = demo.project.seeded_file
    if not demo.options.is_seeding:
        demo.console.say("No demo clips are made (--no-seed).")
        return
    if marker.exists() and int(marker.read_text()) >= demo.options.clips:
        demo.console.say("The demo clips are there already.")
        return
    if lack := lack_of_space(demo.project.var, SPACE_FOR_CLIPS):
        demo.console.say(
            f"No demo clips are made: the {lack}. The console runs on without them; another start "
            "of `run.py demo` makes them."
        )
        return
    started_at = time.monotonic()
    for name, command in _seed_commands(demo).items():
        if not await _run_with_retries(demo, name, command):
            demo.console.say(
                f"The demo clips are not complete: {name} failed {SEED_ATTEMPTS} times. The "
                "console runs on; another start of `run.py demo` resumes."
            )
            return
    settings.replace_secret_file(marker, f"{demo.options.clips}\n")
    seconds = time.monotonic() - started_at
    demo.console.say(f"The demo clips have settled, {seconds:.0f} s after the page was ready.")


def _seed_commands(demo: Demo) -> dict[str, list[str]]:
    clips = demo.python.module(
        "localvod",
        "demo",
        f"--clips={demo.options.clips}",
        f"--state={demo.settings['LOCALVOD_STATE']}",
        f"--endpoint=127.0.0.1:{demo.vod_port}",
    )
    return {
        "clips": clips,
        # The first full sync; afterwards the worker syncs what VOD has modified.
        "sync": demo.python.manage("sync_videos"),
        "seed": demo.python.manage("seed_demo", f"--operator={OPERATOR}"),
    }


async def _run_with_retries(demo: Demo, name: str, command: list[str]) -> bool:
    for attempt in range(1, SEED_ATTEMPTS + 1):
        status, _ = await demo.children.run(
            name, command, environment=demo.environment, draws_bars=True
        )
        if status == 0:
            return True
        demo.console.say(f"{name} failed (status {status}, attempt {attempt}).")
        await asyncio.sleep(attempt)
    return False
