"""The web server as it is shipped, on a database of its own."""

import http.client
import json
import os
import secrets
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from runner.postgres import free_port
from shortvideo.cloud.events import sign
from tests.contract.operations import OPERATIONS
from tests.faults.processes import Program, Supervisor
from tests.support.console import url_of
from tests.support.localvod import ROOT, wait_until

CALLBACK_KEY = "CallbackKeyOfTheDoor1"
ORIGIN = "https://app.example.com"
FORM = "application/x-www-form-urlencoded"

# What an installation has: the tables, an operator with a token, and a clip that waits.
PREPARE = """
import django
django.setup()
from django.core.management import call_command
from accounts.tokens import issue_token
from tests.factories import make_operator, make_video
call_command("migrate", verbosity=0)
video, operator = make_video(censor_status="check"), make_operator("operator")
print(issue_token(operator), video.vod_id, operator.username)
"""

# The shipped settings, but with less patience.
CONFIG = """
from pathlib import Path
from shortvideo import server
exec(Path("gunicorn.conf.py").read_text())
server.READ_SECONDS = 3
server.UNREAD_BYTES = 65_536
"""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    @property
    def envelope(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.body)
        assert list(content) == ["result", "requestId", "message", "code", "data"]
        assert content["requestId"] == self.headers["x-request-id"]
        return content


@dataclass(frozen=True)
class Door:
    """A running web server; `log` has its lines."""

    program: Program
    port: int
    token: str
    vod_id: str
    user_name: str
    log: Path

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Send one request. A body that is an iterable is sent in chunks."""
        started = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with closing(connection):
            names = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, names)
            response = connection.getresponse()
            content = response.read()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, found, content, time.monotonic() - started)

    def call(self, operation: str, body: Any = None, **headers: str) -> Answer:
        """Call an operation of the API with its documented method and the token."""
        method = "POST" if body else OPERATIONS[operation.partition("?")[0]][0]
        return self.ask(
            method, url_of(operation), body, Authorization=f"Bearer {self.token}", **headers
        )

    def send_callback(self, body: Any) -> Answer:
        stamp = str(int(time.time()))
        signature = sign(self.callback_url, stamp, CALLBACK_KEY)
        path = "/vodcallback/callback"
        signed = {"X_VOD_TIMESTAMP": stamp, "X_VOD_SIGNATURE": signature}
        return self.ask("POST", path, body, Content_Type="application/json", **signed)

    @property
    def callback_url(self) -> str:
        return callback_url(self.port)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=30)

    def is_up(self) -> bool:
        try:
            return self.ask("GET", "/console/vod/nothing").status == 404
        except OSError:
            return False


def callback_url(port: int) -> str:
    return f"http://127.0.0.1:{port}/vodcallback/callback"


@contextmanager
def serving(database_url: str, folder: Path, **settings: str) -> Iterator[Door]:
    """Run gunicorn as it is shipped on a new database."""
    port = free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if name not in ("TESTING", "DEBUG")},
        "DJANGO_SETTINGS_MODULE": "shortvideo.settings",
        "ENV_FILE": os.devnull,
        "SECRET_KEY": secrets.token_urlsafe(40),
        "DATABASE_URL": database_url,
        "VOD_CALLBACK_URL": callback_url(port),
        "VOD_CALLBACK_KEY": CALLBACK_KEY,
        "CONSOLE_CORS_ORIGINS": ORIGIN,
        "BEHIND_TLS_PROXY": "true",
        "VOD_ENDPOINT": "127.0.0.1:9",
        "VOD_PROTOCOL": "http",
        **settings,
    }
    prepared = subprocess.run(
        [sys.executable, "-c", PREPARE],
        cwd=ROOT,
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    token, vod_id, user_name = prepared.stdout.split()
    config = folder / "impatient.conf.py"
    config.write_text(CONFIG)
    command = ["-m", "gunicorn", "shortvideo.wsgi:application", f"--config={config}"]
    with Supervisor(ROOT, folder) as supervisor:
        program = supervisor.run(
            "web", [sys.executable, *command, f"--bind=127.0.0.1:{port}"], environment
        )
        door = Door(program, port, token, vod_id, user_name, folder / "web.log")
        wait_until(door.is_up)
        yield door


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory, migrated_file: Path) -> Iterator[Door]:
    folder = tmp_path_factory.mktemp("door")
    database = shutil.copy(migrated_file, folder / "db.sqlite3")
    with serving(f"sqlite:///{database}", folder) as running:
        yield running


@pytest.fixture
def database(door: Door) -> Iterator[sqlite3.Connection]:
    """Another program's connection to the same file."""
    path = door.log.with_name("db.sqlite3")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection
