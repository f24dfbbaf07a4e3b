"""Who may use the control endpoints: programs on this machine, no page of a browser."""

import httpx
import pytest

from tests.support.localvod import LocalVod


def send(vod: LocalVod, method: str, path: str, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with httpx.Client(trust_env=False) as client:
        return client.request(method, f"{vod.url}/_localvod/{path}", content=b"{}", headers=named)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1", "127.8.0.1", "[::1]:9"])
def test_a_loopback_host_is_answered(vod: LocalVod, host: str) -> None:
    assert send(vod, "GET", "healthz", host=host).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "10.0.0.1",
        "[::2]",
        "[",
        "",
    ],
)
@pytest.mark.parametrize(("method", "path"), [("GET", "ledger"), ("PUT", "files/a.png")])
def test_a_rebound_name_is_refused(vod: LocalVod, host: str, method: str, path: str) -> None:
    answer = send(vod, method, path, host=host)
    assert answer.status_code == 403
    assert answer.json() == {"error": "Host must be localhost or a loopback address."}


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"],
)
def test_a_form_of_another_site_changes_nothing(vod: LocalVod, content_type: str) -> None:
    video_id = vod.seed()
    answer = send(vod, "POST", "reset", content_type=content_type)
    assert (answer.status_code, answer.json()["error"]) == (
        415,
        "Content-Type must be application/json.",
    )
    assert vod.state(video_id)


def test_json_may_name_its_encoding(vod: LocalVod) -> None:
    answer = send(vod, "POST", "faults", content_type="Application/JSON; charset=utf-8")
    assert answer.status_code == 200


def test_a_page_of_another_site_gets_no_permission(vod: LocalVod) -> None:
    answer = send(vod, "OPTIONS", "files/a.png", origin="http://evil.example")
    assert answer.status_code == 405
    assert "access-control-allow-origin" not in answer.headers
