"""What no WSGI server and no Django can read is refused before Django makes a request of it."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any
from wsgiref.util import setup_testing_defaults

import orjson
import pytest
from django.core import signals
from django.db import close_old_connections

from shortvideo.handler import Handler
from tests.factories import make_operator, make_video
from tests.support.console import Console
from videos.models import Video

pytestmark = pytest.mark.django_db

MALFORMED_TYPES = [
    "application/json; charset*=BOGUS''x",
    "multipart/form-data; boundary*=BOGUS''x",
    "text/html; charset*=utf-8''%00",
    "application/json; charset=hex",
    "application/json; charset=punycode",
    "application/json; charset=undefined",
    "application/json; charset=idna",
]


@pytest.fixture(autouse=True)
def _keep_connections() -> Iterator[None]:
    """The handler's signal would close the connection that holds the test's rows."""
    signals.request_started.disconnect(close_old_connections)
    yield
    signals.request_started.connect(close_old_connections)


def call(path: str, body: bytes = b"", method: str = "POST", **environ: Any) -> tuple[int, bytes]:
    """Call the application as a WSGI server does. Returns the status and the body."""
    path, _, query = path.partition("?")
    whole = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "wsgi.input": BytesIO(body),
        **environ,
    }
    setup_testing_defaults(whole)
    statuses: list[str] = []
    answer = Handler()(whole, lambda status, _headers: statuses.append(status))
    return int(statuses[0][:3]), b"".join(answer)


def sentence(body: bytes) -> str:
    content = orjson.loads(body)
    assert list(content) == ["result", "requestId", "message", "code", "data"]
    return str(content["message"])


def chunked(**environ: Any) -> dict[str, Any]:
    return {"HTTP_TRANSFER_ENCODING": "chunked", "SERVER_PROTOCOL": "HTTP/1.1", **environ}


@pytest.mark.parametrize("content_type", MALFORMED_TYPES)
@pytest.mark.parametrize("path", ["/console/vod/getVideos", "/console", "/vodVideo/getVideoById"])
def test_a_malformed_content_type_gets_an_envelope(path: str, content_type: str) -> None:
    status, body = call(path, CONTENT_TYPE=content_type)
    assert (status, sentence(body)) == (400, "The header Content-Type is malformed.")


@pytest.mark.parametrize("content_type", MALFORMED_TYPES)
@pytest.mark.parametrize("path", ["/", "/admin/", "/vodcallback/callback", "/nothing"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_malformed_content_type_is_400_on_every_page(
    path: str, method: str, content_type: str
) -> None:
    status, body = call(path, method=method, CONTENT_TYPE=content_type)
    assert (status, body) == (400, b"The header Content-Type is malformed.\n")


@pytest.mark.parametrize("content_type", ["", "nonsense", "a/b; charset=nonsense", "a/b;;=;"])
def test_an_odd_content_type_without_a_body_is_accepted(content_type: str) -> None:
    query = f"consoleToken={Console(make_operator()).token}"
    status, _ = call(f"/console/vod/getVideos?{query}", method="GET", CONTENT_TYPE=content_type)
    assert status == 200


@pytest.mark.parametrize(
    ("accepted", "is_packed"),
    [
        ("gzip", True),
        ("br;q=0, gzip;q=0.1", True),
        ("gzip;q=0", False),
        ("deflate, GZIP ; Q=0.000, *", False),
        ("", False),
    ],
)
def test_an_answer_is_compressed_only_as_the_client_accepts(accepted: str, is_packed: bool) -> None:
    make_video()
    query = f"consoleToken={Console(make_operator()).token}"
    path = f"/console/vod/getVideos?{query}"
    status, body = call(path, method="GET", HTTP_ACCEPT_ENCODING=accepted)
    assert (status, body.startswith(b"\x1f\x8b")) == (200, is_packed)


@pytest.mark.parametrize("length", ["-1", "1_0", "²", "five"])
def test_a_malformed_length_is_400(length: str) -> None:
    status, body = call("/console/vod/createAudit", CONTENT_LENGTH=length)
    assert (status, sentence(body)) == (400, "The header Content-Length must be a number.")


@pytest.mark.parametrize(
    "environ",
    [
        chunked(),
        chunked(CONTENT_LENGTH="0"),
        chunked(**{"wsgi.input_terminated": True, "SERVER_PROTOCOL": "HTTP/1.0"}),
    ],
    ids=["a server that does not decode", "both headers", "HTTP/1.0"],
)
def test_a_body_of_unknown_length_is_never_absent(environ: dict[str, Any]) -> None:
    video = make_video(censor_status="check")
    token = Console(make_operator()).token
    query = f"mediaId={video.vod_id}&status=Normal&consoleToken={token}"
    status, body = call(f"/console/vod/createAudit?{query}", b"6\r\nstatus", **environ)
    assert status == 411
    assert "Content-Length" in sentence(body)
    assert Video.objects.get().censor_status == "check"


@pytest.mark.parametrize("server", [{}, {"wsgi.input_terminated": True}])
def test_a_post_with_a_type_and_no_length_is_411(server: dict[str, Any]) -> None:
    query = f"consoleToken={Console(make_operator()).token}"
    typed = {"CONTENT_TYPE": "application/json", "SERVER_PROTOCOL": "HTTP/1.1", **server}
    status, body = call(f"/console/vod/createAudit?{query}", **typed)
    assert (status, "Content-Length" in sentence(body)) == (411, True)
    for without_body in ({"CONTENT_LENGTH": "0"}, {"CONTENT_TYPE": ""}):
        assert call(f"/console/vod/createAudit?{query}", **{**typed, **without_body})[0] == 400
    assert call(f"/console/vod/getVideos?{query}", method="GET", **typed)[0] == 200


@pytest.mark.parametrize("coding", ["chunked", "Chunked", ""])
def test_a_body_is_read_to_its_end(coding: str) -> None:
    video = make_video(censor_status="check")
    token = Console(make_operator()).token
    query = f"mediaId={video.vod_id}&status=Normal&consoleToken={token}"
    environ = chunked(**{"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": coding})
    body = b"status=Blocked&reason=x"
    environ["CONTENT_TYPE"] = "application/x-www-form-urlencoded"
    status, _ = call(f"/console/vod/createAudit?{query}", body, **environ)
    assert status == 200
    assert Video.objects.get().censor_status == "fail"


@pytest.mark.parametrize(
    ("path", "status"),
    [("/console/vod/createAudit", 400), ("/vodVideo/getVideoById", 405), ("/admin/login/", 400)],
)
def test_a_body_of_unknown_length_is_read_up_to_a_limit(path: str, status: int) -> None:
    body = BytesIO(b"a" * 5_000_000)
    environ = chunked(**{"wsgi.input_terminated": True, "wsgi.input": body})
    environ["CONTENT_TYPE"] = "application/x-www-form-urlencoded"
    assert call(path, **environ)[0] == status
    assert body.tell() == 1_048_577


@pytest.mark.parametrize("coding", ["gzip, chunked", "gzip", "identity"])
def test_another_transfer_coding_is_415(coding: str) -> None:
    environ = chunked(**{"HTTP_TRANSFER_ENCODING": coding, "wsgi.input_terminated": True})
    status, body = call("/console/vod/createAudit", b"status=Normal", **environ)
    assert (status, "Transfer-Encoding" in sentence(body)) == (415, True)
