"""The web server as it is shipped: slow clients, bodies of unknown length, malformed HTTP."""

import http.client
import json
import os
import signal
import socket
import sqlite3
from collections.abc import Iterator

import pytest

from tests.faults.door import FORM, ORIGIN, Answer, Door, database, door
from tests.support.console import url_of
from tests.support.localvod import wait_until

__all__ = ["database", "door"]

SLOW_SOCKETS = 200


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


def test_a_chunked_get_is_refused(door: Door) -> None:
    token = f"Bearer {door.token}"
    url = url_of("createAudit") + f"?mediaId={door.vod_id}&status=Normal"
    form = in_pieces(b"status=Blocked&reason=x")
    answer = door.ask("GET", url, form, Authorization=token, Content_Type=FORM)
    assert (answer.status, answer.headers["x-error-code"]) == (400, "unreadable_body")


def test_a_typed_post_without_a_length_is_411(door: Door) -> None:
    first = f"POST {url_of('createAudit')}?mediaId={door.vod_id}&status=Normal HTTP/1.1".encode()
    token = f"Authorization: Bearer {door.token}".encode()
    request = head(token, b"Content-Type: " + FORM.encode(), first=first)
    answer = ask_raw(door, request + b"status=Blocked&reason=x")
    assert (answer.status, answer.headers["x-error-code"]) == (411, "length_required")


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


@pytest.mark.parametrize("size", [1_100_000, 30_000_000])
@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_body_that_is_too_long_is_told_so(door: Door, size: int, is_chunked: bool) -> None:
    body = b"a" * size
    answer = door.call("createAudit", iter([body]) if is_chunked else body, Content_Type=FORM)
    assert answer.envelope["code"] == "400"
    assert answer.headers["x-error-code"] == "body_too_long"
    assert door.send_callback(iter([b"a" * size])).status == 413


def test_an_encoded_body_is_415_at_each_door(door: Door) -> None:
    for path in (url_of("createAudit"), "/vodcallback/callback", "/admin/login/"):
        assert door.ask("POST", path, b"\x1f\x8b", Content_Encoding="gzip").status == 415


# --- What the server itself refuses ---------------------------------------------------------------


def head(*lines: bytes, first: bytes = b"POST /console/a HTTP/1.1") -> bytes:
    return b"\r\n".join((first, b"Host: localhost", *lines, b"", b""))


def ask_raw(door: Door, request: bytes) -> Answer:
    with door.connect() as client:
        client.sendall(request)
        response = http.client.HTTPResponse(client)
        response.begin()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, found, response.read(), 0)


CHUNKED = b"Transfer-Encoding: chunked"
REFUSALS = [
    ("414", head(first=b"GET /console/a?b=%b HTTP/1.1" % (b"a" * 9_000))),
    ("414", head(first=b"GET /console/a?b=%b HTTP/1.1" % (b"a" * 90_000))),
    ("431", head(b"X-Long: " + b"a" * 90_000)),
    ("501", head(b"Transfer-Encoding: gzip")),
    ("400", head(CHUNKED) + b"xyz\r\n"),
    # The first line
    ("400", head(first=b"GET http://[::1/console/a HTTP/1.1")),
    ("400", head(first=b"GET /console/a\0 HTTP/1.1")),
    ("400", head(first=b"GET /console/a  HTTP/1.1")),
    ("400", head(first=b"get /console/a HTTP/1.1")),
    ("400", head(first=b"GET /console/a HTTP/2.0")),
    ("400", head(first=b"GET /console/a")),
    # Headers
    ("400", head(b"X Y: 1")),
    ("400", head(b"X-Y : 1")),
    ("400", head(b"X: 1", b" folded")),
    ("400", head(b"X: 1", b"\tfolded")),
    ("400", head(b"X: a\0b")),
    ("400", head(b"Host: other")),
    ("400", head().replace(b"\r\n", b"\n")),
    ("400", head(b"X: 1\n")),
    ("400", head(b"X: 1\rY: 2")),
    # The end of the body
    ("400", head(b"Content-Length: no")),
    ("400", head(b"Content-Length: " + b"9" * 5_000)),
    ("400", head(b"Content-Length: 5", b"Content-Length: 6")),
    ("400", head(b"Content-Length: 5", CHUNKED)),
    ("400", head(b"Content-Length: 5", CHUNKED, first=b"POST /console/a HTTP/1.0")),
    ("400", head(CHUNKED, CHUNKED)),
    ("400", head(b"Transfer-Encoding:")),
    # No "100 Continue" before a refusal
    ("400", head(b"Content-Length: 9000000", b"Expect: 100-continue")),
    ("400", head(b"Content-Length: no", b"Expect: 100-continue")),
]


@pytest.mark.parametrize(("code", "request_bytes"), REFUSALS)
def test_a_request_that_is_no_http_gets_an_envelope(
    door: Door, request_bytes: bytes, code: str
) -> None:
    answer = ask_raw(door, request_bytes)
    assert (str(answer.status), answer.envelope["code"]) == (code, code)
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("number", [0, 2, 3])
def test_a_page_of_an_allowed_origin_can_read_what_is_refused(door: Door, number: int) -> None:
    request = REFUSALS[number][1].replace(b"localhost", b"localhost\r\nOrigin: " + ORIGIN.encode())
    answer = ask_raw(door, request)
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (head(b"Expect: 100-continue", first=b"GET /console/a HTTP/1.1"), 404),
        (head(b"Content-Length: 0", b"Expect: 100-continue"), 404),
        (head(b"Content-Length: 1", b"Expect: something") + b"a", 404),
        (head(b"Content-Length: 1", b"Expect: 100-continue"), 100),
    ],
)
def test_a_client_that_waits_before_its_body_is_answered(
    door: Door, request_bytes: bytes, status: int
) -> None:
    with door.connect() as client, client.makefile("rb") as answer:
        client.sendall(request_bytes)
        assert answer.readline().split()[1] == str(status).encode()


def test_an_idle_connection_says_how_long_it_is_kept(door: Door) -> None:
    answer = door.ask("GET", "/console/vod/nothing")
    assert answer.headers["keep-alive"] == "timeout=60"
    assert "keep-alive" not in door.ask("GET", "/console/a", Connection="close").headers


# --- Slow clients ---------------------------------------------------------------------------------


def test_slow_clients_delay_nobody_and_are_cut_off(door: Door) -> None:
    head = b"POST /console/vod/createAudit HTTP/1.1\r\nHost: localhost\r\n"
    beginnings = (head, head + b"Content-Length: 100\r\n\r\na", b"no HTTP\r\n\r\n")
    clients = [door.connect() for _ in range(SLOW_SOCKETS)]
    try:
        for number, client in enumerate(clients):
            client.sendall(beginnings[number % 3])
        answers = [door.call("getVideos") for _ in range(20)]
        assert {answer.status for answer in answers} == {200}
        assert max(answer.seconds for answer in answers) < 20
        for client in clients:
            wait_until(lambda client=client: is_reset(client), seconds=30)
    finally:
        for client in clients:
            client.close()
    assert door.call("getVideos").status == 200


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
            wait_until(lambda client=client: is_reset(client), seconds=30)
    finally:
        for client in clients:
            client.close()


def is_reset(client: socket.socket) -> bool:
    """Send one more byte, as a slow client does, and read nothing: has the server closed?"""
    try:
        return not client.send(b" ")
    except OSError:
        return True


@pytest.mark.parametrize(
    "path",
    [
        "/admin/login/",
        "/nowhere",
        "/console/vod/getVideos",
        pytest.param("/console/" + "a" * 9_000, id="too long"),
    ],
)
def test_an_answer_to_head_has_no_body(door: Door, path: str) -> None:
    with door.connect() as client, client.makefile("rb") as answer:
        head = f"HEAD {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        client.sendall(head.encode())
        assert answer.read().partition(b"\r\n\r\n")[2] == b""


def test_a_request_that_was_read_is_answered_before_the_end(
    door: Door, database: sqlite3.Connection
) -> None:
    form = f"mediaId={door.vod_id}&status=Normal&consoleToken={door.token}".encode()
    lines = (b"Content-Type: " + FORM.encode(), b"Content-Length: %d" % len(form))
    database.execute("BEGIN EXCLUSIVE")
    with door.connect() as client, client.makefile("rb") as answer:
        first = b"POST /console/vod/createAudit HTTP/1.1"
        client.sendall(head(*lines, b"Expect: 100-continue", first=first))
        assert answer.readline() + answer.readline() == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(form)
        os.kill(door.program.running_pid(), signal.SIGTERM)
        assert answer.readline().startswith(b"HTTP/1.1 503 ")
    database.execute("ROLLBACK")
    wait_until(door.is_up)


def test_the_headers_of_a_proxy_reach_the_application(door: Door) -> None:
    csrf = "a" * 32
    answer = door.ask(
        "POST",
        "/admin/login/",
        f"csrfmiddlewaretoken={csrf}&username=nobody&password=no",
        Content_Type=FORM,
        Cookie=f"csrftoken={csrf}",
        Origin=f"https://127.0.0.1:{door.port}",
        X_Forwarded_Proto="https",
    )
    assert answer.status == 200


@pytest.mark.parametrize(("charset", "status"), [("UTF8", 200), ("utf-8", 200), ("gbk", 400)])
def test_a_form_of_the_desk_names_utf_8_in_any_spelling(
    door: Door, charset: str, status: int
) -> None:
    csrf = "a" * 32
    body = f"csrfmiddlewaretoken={csrf}&username=nobody&password=no"
    kind = f"{FORM}; charset={charset}"
    answer = door.ask("POST", "/admin/login/", body, Content_Type=kind, Cookie=f"csrftoken={csrf}")
    assert answer.status == status
