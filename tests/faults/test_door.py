"""The web server as it is shipped: slow clients, bodies of unknown length, a lost database."""

import http.client
import json
import os
import re
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
from urllib.parse import urlencode

import pytest

from runner.postgres import PrivateCluster, free_port
from shortvideo.cloud.events import sign
from tests.contract.operations import OPERATIONS
from tests.factories import PASSWORD
from tests.faults.processes import Supervisor
from tests.support.console import url_of
from tests.support.localvod import ROOT, wait_until
from tests.support.postgres import private_postgres

__all__ = ["private_postgres"]

CALLBACK_KEY = "CallbackKeyOfTheDoor1"
SLOW_SOCKETS = 200
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
def serving(database_url: str, folder: Path) -> Iterator[Door]:
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
        "VOD_ENDPOINT": "127.0.0.1:9",
        "VOD_PROTOCOL": "http",
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
        supervisor.run("web", [sys.executable, *command, f"--bind=127.0.0.1:{port}"], environment)
        door = Door(port, token, vod_id, user_name, folder / "web.log")
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


def in_pieces(body: bytes) -> Iterator[bytes]:
    yield from (body[:5], body[5:])


# --- Bodies ---------------------------------------------------------------------------------------


def test_a_chunked_body_is_read_and_wins_over_the_query(
    door: Door, database: sqlite3.Connection
) -> None:
    query = f"createAudit?mediaId={door.vod_id}&status=Normal"
    answer = door.call(query, in_pieces(b"status=Blocked&reason=x"), Content_Type=FORM)
    assert answer.envelope["code"] == "200"
    [(status,)] = database.execute("SELECT censor_status FROM videos_video").fetchall()
    assert status == "fail"


def test_a_chunked_json_body_may_hold_the_token(door: Door) -> None:
    body = {"mediaId": door.vod_id, "status": "Normal", "consoleToken": door.token}
    answer = door.ask(
        "POST",
        url_of("createAudit"),
        in_pieces(json.dumps(body).encode()),
        Content_Type="application/json",
    )
    assert answer.envelope["code"] == "200"


def test_a_chunked_callback_is_stored(door: Door, database: sqlite3.Connection) -> None:
    event = {"EventType": "FileUploadComplete", "VideoId": "b" * 32}
    assert door.send_callback(in_pieces(json.dumps(event).encode())).status == 200
    query = "SELECT count(*) FROM videos_vodevent WHERE media_id = ?"
    assert database.execute(query, ["b" * 32]).fetchone() == (1,)


@pytest.mark.parametrize("size", [1_100_000, 6_000_000])
def test_a_chunked_body_has_the_limit_of_others(door: Door, size: int) -> None:
    answer = door.call("createAudit", iter([b"a" * size]), Content_Type=FORM)
    assert answer.envelope["code"] == "400"
    assert "The body is" in answer.envelope["message"]
    assert door.send_callback(iter([b"a" * size])).status == 413


def test_an_encoded_body_is_415_at_each_door(door: Door) -> None:
    for path in (url_of("createAudit"), "/vodcallback/callback", "/admin/login/"):
        assert door.ask("POST", path, b"\x1f\x8b", Content_Encoding="gzip").status == 415


# --- What the server itself refuses ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_bytes", "code"),
    [
        (b"GET /console/vod/getVideos?title=%b HTTP/1.1\r\n\r\n" % (b"a" * 9_000), "414"),
        (b"GET /console/vod/getVideos?title=%b HTTP/1.1\r\n\r\n" % (b"a" * 90_000), "414"),
        (b"GET /console/a HTTP/1.1\r\nX-Long: %b\r\n\r\n" % (b"a" * 90_000), "431"),
        (b"GET /console/a HTTP/1.1\r\nContent-Length: no\r\n\r\n", "400"),
        (b"POST /console/a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "400"),
        (b"POST /console/a HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", "501"),
    ],
)
def test_a_request_that_is_no_http_gets_an_envelope(
    door: Door, request_bytes: bytes, code: str
) -> None:
    with door.connect() as client:
        client.sendall(request_bytes)
        response = http.client.HTTPResponse(client)
        response.begin()
        found = {name.lower(): value for name, value in response.getheaders()}
        answer = Answer(response.status, found, response.read(), 0)
    assert (str(answer.status), answer.envelope["code"]) == (code, code)


def test_an_idle_connection_says_how_long_it_is_kept(door: Door) -> None:
    answer = door.ask("GET", "/console/vod/nothing")
    assert answer.headers["keep-alive"] == "timeout=60"
    assert "keep-alive" not in door.ask("GET", "/console/a", Connection="close").headers


# --- Slow clients ---------------------------------------------------------------------------------


def test_slow_clients_delay_nobody_and_are_cut_off(door: Door) -> None:
    head = b"POST /console/vod/createAudit HTTP/1.1\r\nHost: localhost\r\n"
    beginnings = (head, head + b"Content-Length: 100\r\n\r\na")
    clients = [door.connect() for _ in range(SLOW_SOCKETS)]
    try:
        for number, client in enumerate(clients):
            client.sendall(beginnings[number % 2])
        answers = [door.call("getVideos") for _ in range(20)]
        assert {answer.status for answer in answers} == {200}
        assert max(answer.seconds for answer in answers) < 20
        for client in clients:
            wait_until(lambda client=client: is_cut_off(client))
    finally:
        for client in clients:
            client.close()
    assert door.call("getVideos").status == 200


def is_cut_off(client: socket.socket) -> bool:
    """Send one more byte, as a slow client does. Returns whether the server has closed."""
    try:
        client.sendall(b"a")
        client.settimeout(0.1)
        return client.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def test_clients_that_do_not_read_delay_nobody(door: Door) -> None:
    page = b"GET /admin/login/ HTTP/1.1\r\nHost: localhost\r\n\r\n"
    clients = [door.connect() for _ in range(20)]
    try:
        for client in clients:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            client.sendall(page * 3)
        assert door.call("getVideos").status == 200
    finally:
        for client in clients:
            client.close()


def test_clients_that_ask_for_more_than_they_read_are_cut_off(door: Door) -> None:
    script = b"GET /static/admin/js/vendor/jquery/jquery.js HTTP/1.1\r\nHost: localhost\r\n\r\n"
    clients = [door.connect() for _ in range(10)]  # more than there are threads
    try:
        for client in clients:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            client.sendall(script * 60)
        assert door.call("getVideos").status == 200
        for client in clients:
            wait_until(lambda client=client: is_reset(client))
    finally:
        for client in clients:
            client.close()


def is_reset(client: socket.socket) -> bool:
    """Whether the server has closed the connection; reads nothing."""
    return bool(client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)) or not client.send(b" ")


@pytest.mark.parametrize("path", ["/admin/login/", "/nowhere", "/console/vod/getVideos"])
def test_an_answer_to_head_has_no_body(door: Door, path: str) -> None:
    with door.connect() as client, client.makefile("rb") as answer:
        head = f"HEAD {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        client.sendall(head.encode())
        assert answer.read().partition(b"\r\n\r\n")[2] == b""


@pytest.mark.parametrize(("charset", "status"), [("UTF8", 200), ("utf-8", 200), ("gbk", 400)])
def test_a_form_of_the_desk_names_utf_8_in_any_spelling(
    door: Door, charset: str, status: int
) -> None:
    csrf = "a" * 32
    body = f"csrfmiddlewaretoken={csrf}&username=nobody&password=no"
    kind = f"{FORM}; charset={charset}"
    answer = door.ask("POST", "/admin/login/", body, Content_Type=kind, Cookie=f"csrftoken={csrf}")
    assert answer.status == status


# --- The database ---------------------------------------------------------------------------------


def test_while_sqlite_is_locked_writes_are_503_and_reads_work(
    door: Door, database: sqlite3.Connection
) -> None:
    database.execute("UPDATE accounts_consoletoken SET last_used_at = datetime('now', '-1 hour')")
    before = door.log.read_text().count("Traceback")
    [cookie] = re.findall(r"sessionid=\w+", log_in_at_desk(door, PASSWORD).headers["set-cookie"])
    database.execute("UPDATE django_session SET expire_date = datetime(expire_date, '-2 minutes')")
    database.execute("BEGIN EXCLUSIVE")
    try:
        reading = door.call("getVideos")
        assert (reading.status, reading.seconds < 10) == (200, True)
        writing = door.call(f"createAudit?mediaId={door.vod_id}&status=Blocked&reason=y")
        assert_unavailable(writing)
        assert writing.envelope["code"] == "503"
        callback = door.send_callback(b'{"EventType": "a", "VideoId": "a"}')
        assert_unavailable(callback)
        assert_unavailable(log_in_at_desk(door))
        assert door.ask("GET", "/admin/videos/video/", Cookie=cookie).status == 200
    finally:
        database.execute("ROLLBACK")
    assert door.log.read_text().count("Traceback") == before


def log_in_at_desk(door: Door, password: str = "no") -> Answer:
    csrf = "a" * 32
    form = {"csrfmiddlewaretoken": csrf, "username": door.user_name, "password": password}
    return door.ask(
        "POST",
        "/admin/login/",
        urlencode(form),
        Content_Type=FORM,
        Cookie=f"csrftoken={csrf}",
    )


def assert_unavailable(answer: Answer) -> None:
    assert answer.status == 503
    assert int(answer.headers["retry-after"]) > 0
    assert answer.seconds < 10  # two seconds, and what a busy machine adds


def test_without_postgresql_every_door_is_503_until_it_is_back(
    private_postgres: PrivateCluster, tmp_path: Path
) -> None:
    with serving(private_postgres.url, tmp_path) as door:
        assert door.call("getVideos").status == 200
        private_postgres.restart()
        assert door.call("getVideos").status == 200
        private_postgres.end()
        for operation in OPERATIONS:
            answer = door.call(
                operation, b"a=b" if OPERATIONS[operation][0] == "POST" else None, Content_Type=FORM
            )
            assert_unavailable(answer)
            assert answer.envelope["message"] == "The database cannot be used now; try again."
        assert_unavailable(door.send_callback(b'{"EventType": "a", "VideoId": "a"}'))
        page = door.ask("GET", "/admin/", Cookie=f"sessionid={'a' * 32}")
        assert_unavailable(page)
        assert b"cannot reach its database" in page.body
        assert "Traceback" not in door.log.read_text()
        private_postgres.restart()
        assert door.call("getVideos").status == 200
