"""One database of a size, and the web servers on it."""

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg

from benchmarks.api import usage
from benchmarks.api.targets import CALLBACK_KEY, CALLBACK_URL, PAGE_SIZE
from benchmarks.million import fill
from runner.postgres import free_port

_ROOT: Final = Path(__file__).resolve().parent.parent.parent
_STARTING_SECONDS: Final = 60
_MOST_WITH_LISTS: Final = 1_000_000  # more rows with snapshots and files do not fit a small disk
# gunicorn.conf.py is read for each; the opponents take gunicorn's own worker for threads.
_GTHREAD: Final = ("--worker-class=gthread", "--keep-alive=60")
_SERVERS: Final = {
    "floor": ("benchmarks.api.floor:application", *_GTHREAD),
    "reference": ("benchmarks.api.reference:application", *_GTHREAD),
    "ours": ("shortvideo.wsgi:application",),
}
# The reference has tables for snapshots and files. Only the videos that a page shows have rows.
_OPPONENTS_TABLES: Final = """
    CREATE TABLE bench_snapshot (id bigserial PRIMARY KEY, video_id bigint, path text);
    CREATE TABLE bench_file (id bigserial PRIMARY KEY, video_id bigint, path text);
    CREATE TEMP TABLE shown AS
        (SELECT * FROM videos_video ORDER BY creation_time DESC, id DESC LIMIT 2000)
        UNION (SELECT * FROM videos_video ORDER BY creation_time, id LIMIT 2000)
        UNION (SELECT * FROM videos_video WHERE title LIKE '%zyxomma%');
    INSERT INTO bench_snapshot (video_id, path)
        SELECT id, jsonb_array_elements_text(snapshots) FROM shown;
    INSERT INTO bench_file (video_id, path)
        SELECT id, jsonb_array_elements(files)->>'path' FROM shown;
    CREATE INDEX ON bench_snapshot (video_id);
    CREATE INDEX ON bench_file (video_id);
    CREATE TABLE bench_total AS SELECT censor_status, count(*) AS number
        FROM videos_video WHERE deleted_at IS NULL GROUP BY censor_status;
    ANALYZE bench_snapshot; ANALYZE bench_file; ANALYZE bench_total;
"""

_SHOWN: Final = """
    SELECT (SELECT sum(number)::bigint FROM bench_total), vod_id FROM videos_video
    WHERE deleted_at IS NULL AND censor_status = 'success' ORDER BY creation_time DESC LIMIT 1
"""


@dataclass(frozen=True)
class Server:
    """One of the compared web servers, on the database of one size."""

    name: str
    port: int
    pid: int

    @property
    def cpu_seconds(self) -> float:
        return usage.cpu_seconds(self.pid)

    @property
    def memory_mib(self) -> float:
        return usage.memory_mib(self.pid)


class Installation:
    """A filled database. `cluster_url` is a DATABASE_URL of a cluster, with its last `/name`."""

    def __init__(self, cluster_url: str, videos: int) -> None:
        self.videos = videos
        self._name = f"bench_{videos}"
        self._cluster_url = cluster_url
        self.url = f"{cluster_url.rpartition('/')[0]}/{self._name}"
        self._environment = {
            **os.environ,
            "ENV_FILE": os.devnull,
            "DATABASE_URL": self.url,
            "SECRET_KEY": secrets.token_hex(32),
            "ALLOWED_HOSTS": "console.example.com",
            "HTTPS": "true",
            "BEHIND_TLS_PROXY": "true",
            "TRUSTED_PROXY_COUNT": "1",
            "CDN_DOMAINS": "media.example.com",
            "MEDIA_URL_AUTH_KEY": "auth-key-of-the-benchmark",
            "VOD_CALLBACK_URL": CALLBACK_URL,
            "VOD_CALLBACK_KEY": CALLBACK_KEY,
        }
        self.token = ""
        self.vod_id = ""
        self.last_page = 0

    def prepare(self) -> None:
        """Create the database, its rows, an operator and a token."""
        with _connect(self._cluster_url) as connection:
            is_new = not connection.execute(
                "SELECT FROM pg_database WHERE datname = %s", [self._name]
            ).rowcount
            if is_new:
                connection.execute(f"CREATE DATABASE {self._name}")
        with _connect(self.url) as connection:
            if is_new:
                self._manage("migrate", "--verbosity=0")
                lists = {} if self.videos <= _MOST_WITH_LISTS else {"snapshots": 0, "files": 0}
                fill(connection.cursor(), videos=self.videos, **lists)
                connection.execute(_OPPONENTS_TABLES)
                self._manage("create_operator", "--username=bench", "--role=operator")
            self.token = self._manage(
                "create_console_token", "--username=bench", "--service=bench"
            ).strip()
            [(total, self.vod_id)] = connection.execute(_SHOWN)
            self.last_page = total // PAGE_SIZE  # a full one

    @contextmanager
    def served(self, log: Path) -> Iterator[dict[str, Server]]:
        """Start every server. Yields them by name."""
        with ExitStack() as stack:
            yield {name: stack.enter_context(self._server(name, log)) for name in _SERVERS}

    @contextmanager
    def _server(self, name: str, log: Path) -> Iterator[Server]:
        port = free_port()
        command = [sys.executable, "-m", "gunicorn", *_SERVERS[name], f"--bind=127.0.0.1:{port}"]
        with log.open("ab") as output:
            process = subprocess.Popen(
                command, cwd=_ROOT, env=self._environment, stdout=output, stderr=output
            )
        try:
            _wait_until(lambda: _is_served(process, port), f"gunicorn did not start: see {log}.")
            yield Server(name, port, process.pid)
        finally:
            process.terminate()
            process.wait()

    def _manage(self, *arguments: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(
            command, cwd=_ROOT, env=self._environment, check=True, stdout=subprocess.PIPE, text=True
        ).stdout


def postgresql_version(url: str) -> str:
    with _connect(url) as connection:
        return str(connection.info.server_version // 10_000)


def _connect(url: str) -> "psycopg.Connection[tuple[Any, ...]]":
    return psycopg.connect(url.replace("postgres://", "postgresql://"), autocommit=True)


def _is_served(process: "subprocess.Popen[bytes]", port: int) -> bool:
    if process.poll() is not None:
        raise SystemExit("gunicorn ended.")
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _wait_until(is_done: Callable[[], bool], sentence: str) -> None:
    deadline = time.monotonic() + _STARTING_SECONDS
    while not is_done():
        if time.monotonic() > deadline:
            raise SystemExit(sentence)
        time.sleep(0.1)
