"""All parts of a storm: PostgreSQL, localvod, the web server and two workers."""

import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from runner.postgres import PrivateCluster, binaries, free_port
from tests.faults.processes import Supervisor
from tests.faults.storm.chaos import WEB, WORKERS
from tests.faults.storm.observer import Observer
from tests.support.localvod import ACCESS_KEY_ID, ACCESS_KEY_SECRET, ROOT, LocalVod
from tests.support.postgres import DURABLE

CALLBACK_KEY = "CallbackKeyOfTheStorm1"
READY_SECONDS = 300.0  # of a start that fails
LOCALVOD = "localvod"


@dataclass(frozen=True)
class World:
    """The running parts, and how to reach them."""

    supervisor: Supervisor
    cluster: PrivateCluster | None  # none over SQLite
    vod: LocalVod
    observer: Observer
    url: str
    environment: dict[str, str]
    videos: list[str]

    def start_worker(self, name: str, *options: str) -> None:
        command = [sys.executable, "manage.py", "work", *options]
        self.supervisor.run(name, command, self.environment)

    def start_localvod(self) -> None:
        """Start it again after a stop, with the same port and state."""
        _serve(self.supervisor, self.vod, callback_url=self.environment["VOD_CALLBACK_URL"])


@contextmanager
def world(
    *,
    videos: int,
    settings: Mapping[str, str] | None = None,
    workers: Sequence[str] = WORKERS,
    is_sqlite: bool = False,
) -> Iterator[World]:
    """Start all parts and sync; stop and delete them at the end of the block.

    `settings` are further environment variables. Raises LookupError without PostgreSQL.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="storm-")))
        supervisor = stack.enter_context(Supervisor(ROOT, folder))
        supervisor.watch("remove", folder)
        stack.callback(supervisor.watch, "keep", folder)
        cluster = None if is_sqlite else stack.enter_context(_new_cluster(supervisor))
        # Programs end before their database.
        stack.callback(_stop_programs, supervisor)
        web_port = free_port()
        vod = LocalVod(folder / LOCALVOD)
        vod.port = free_port()
        stack.push(vod.__exit__)
        _serve(supervisor, vod, callback_url=_callback_url(web_port))
        database_url = cluster.url if cluster else f"sqlite:///{folder / 'db.sqlite3'}"
        environment = _environment_of(database_url, vod, web_port) | dict(settings or {})
        manage(environment, "migrate", "--verbosity=0")
        seeded = _seed(vod, videos)
        manage(environment, "sync_videos", "--full")
        web = [sys.executable, "-m", "gunicorn", f"--bind=127.0.0.1:{web_port}"]
        supervisor.run(WEB, web, environment)
        observer = stack.enter_context(Observer(ROOT, environment))
        url = f"http://127.0.0.1:{web_port}"
        place = World(supervisor, cluster, vod, observer, url, environment, seeded)
        for name in workers:
            place.start_worker(name)
        _wait_for(f"{url}/admin/login/")
        yield place


def _new_cluster(supervisor: Supervisor) -> PrivateCluster:
    found = binaries()
    if found is None:
        raise LookupError("No PostgreSQL binaries were found.")
    return PrivateCluster(found, settings=DURABLE, watch=supervisor.watch)


def _stop_programs(supervisor: Supervisor) -> None:
    for name, program in reversed(supervisor.programs.items()):
        if name != LOCALVOD:
            program.stop()
    supervisor.programs[LOCALVOD].stop()


def _seed(vod: LocalVod, count: int) -> list[str]:
    """Videos that wait in VOD's review, made in batches."""
    facts = {"status": "Checking", "snapshots": 2}
    ids: list[str] = []
    while len(ids) < count:
        ids += vod.seed_many([facts] * min(1_000, count - len(ids)))
    return ids


def _serve(supervisor: Supervisor, vod: LocalVod, *, callback_url: str) -> None:
    inherited = {name: value for name, value in os.environ.items() if "LOCALVOD" not in name}
    supervisor.run(
        LOCALVOD,
        [sys.executable, "-m", "localvod", "serve", "--port", str(vod.port)],
        {
            **inherited,
            "LOCALVOD_STATE": str(vod.state_folder),
            "LOCALVOD_CALLBACK_URL": callback_url,
            "LOCALVOD_CALLBACK_KEY": CALLBACK_KEY,
            "LOCALVOD_CDN_TASK_SECONDS": "0",
        },
    )
    _wait_for(f"{vod.url}/_localvod/healthz")


def _callback_url(web_port: int) -> str:
    return f"http://127.0.0.1:{web_port}/vodcallback/callback"


def _environment_of(database_url: str, vod: LocalVod, web_port: int) -> dict[str, str]:
    """The settings of production, except for the addresses of the cloud."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in ("TESTING", "DEBUG", "COVERAGE_PROCESS_START")
    }
    return {
        **inherited,
        "DJANGO_SETTINGS_MODULE": "shortvideo.settings",
        "ENV_FILE": os.devnull,
        "SECRET_KEY": secrets.token_urlsafe(40),
        "DATABASE_URL": database_url,
        "VOD_ENDPOINT": vod.endpoint,
        "VOD_PROTOCOL": "http",
        "CDN_ENDPOINT": vod.endpoint,
        "CDN_PROTOCOL": "http",
        "CDN_DOMAINS": vod.endpoint,
        "MEDIA_URL_SCHEME": "http",
        "EVIDENCE_ROOT": str(vod.state_folder / "evidence"),
        "ALIBABA_CLOUD_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": ACCESS_KEY_SECRET,
        "VOD_TRANSCODE_TEMPLATE_GROUP_ID": "standard-template-group",
        "VOD_NARROWBAND_TEMPLATE_GROUP_ID": "narrowband-template-group",
        "VOD_CALLBACK_URL": _callback_url(web_port),
        "VOD_CALLBACK_KEY": CALLBACK_KEY,
        "LOG_LEVEL": "WARNING",
        "LOG_FORMAT": "json",
    }


def manage(environment: dict[str, str], *arguments: str) -> None:
    """Run manage.py to its end. Raises RuntimeError with its output if it fails."""
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"manage.py {arguments[0]} failed: {done.stderr}")


def _wait_for(url: str) -> None:
    """Wait for an answer below 500. Raises TimeoutError if there is none."""
    ends_at = time.monotonic() + READY_SECONDS
    while True:
        try:
            if httpx.get(url, timeout=10, trust_env=False).status_code < 500:
                return
        except httpx.TransportError:
            pass  # not up yet
        if time.monotonic() > ends_at:
            raise TimeoutError(f"Nothing answered {url} within {READY_SECONDS:g} s.")
        time.sleep(0.1)
