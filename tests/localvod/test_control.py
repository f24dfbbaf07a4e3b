"""Who may use the control endpoints: programs on this machine, no page of a browser."""

import json

import httpx
import pytest

from tests.support.localvod import LocalVod

NAN, INFINITY = float("nan"), float("inf")


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
        "user@127.0.0.1",
        "user:word@localhost",
        "@127.0.0.1",
        "evil.example@127.0.0.1:80",
        "127.0.0.1@evil.example",
        "127.0.0.1:80@evil.example",
        "localhost/evil.example",
        "localhost?evil.example",
        "localhost#evil.example",
        "localhost\\evil.example",
        "localhost, evil.example",
        "local\thost",
        "localhost:port",
        "localhost:80:80",
        "127.0.0.1%00.evil.example",
        "[::1]evil.example",
        "[::1%25evil]",
        "127.1",
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


@pytest.mark.parametrize(
    ("path", "content", "allowed"),
    [
        ("catalogue", {"count": -1}, "count must be a whole number from 0 to 100000000"),
        ("catalogue", {"count": True}, "count must be a whole number"),
        ("catalogue", {"count": 1, "seed": 2**60}, "seed must be a whole number"),
        ("quotas", {"cdn preload": -1}, "cdn preload must be a whole number from 0"),
        ("quotas", {"cdn preload": True}, "cdn preload must be a whole number from 0"),
        ("clock", {"ahead_seconds": -1}, "ahead_seconds must be a number from 0 to 31536000"),
        ("clock", {"ahead_seconds": NAN}, "ahead_seconds must be a number from 0"),
        ("idle", {"seconds": NAN}, "seconds must be a number from 0 to 86400"),
        ("idle", {"seconds": -1}, "seconds must be a number from 0 to 86400"),
        ("idle", {"seconds": "1"}, "seconds must be a number from 0 to 86400"),
        ("faults", {"rules": [{"latency_seconds": INFINITY}]}, "must be a number from 0 to 86400"),
        ("faults", {"rules": [{"rate": NAN}]}, "rate must be a number from 0 to 1"),
        ("faults", {"callbacks": {"reorder": NAN}}, "callbacks.reorder must be a number from 0"),
        ("videos", {"duration": NAN}, "duration must be a number from 0"),
        ("videos", {"fps": -INFINITY}, "fps must be a number from 0 to 1000"),
        ("videos", {"size": -1}, "size must be a whole number from 0"),
        ("videos", {"width": 1.5}, "width must be a whole number from 0"),
        ("videos", {"snapshots": 2**31}, "snapshots must be a whole number from 0 to 10000"),
        ("videos", {"cate_id": 2**60}, "cate_id must be a whole number from 1"),
    ],
)
def test_a_number_out_of_its_range_is_refused(
    vod: LocalVod, path: str, content: object, allowed: str
) -> None:
    with httpx.Client(trust_env=False) as client:
        answer = client.post(
            f"{vod.url}/_localvod/{path}",
            content=json.dumps(content),
            headers={"content-type": "application/json"},
        )
    assert answer.status_code == 400
    assert allowed in answer.json()["error"]


@pytest.mark.parametrize("since", ["nan", "inf", "-1", "1e300"])
def test_the_ledger_starts_at_a_real_moment(vod: LocalVod, since: str) -> None:
    with pytest.raises(ValueError, match="since must be a number from 0"):
        vod.control("GET", "ledger", since=since)


def test_json_may_name_its_encoding(vod: LocalVod) -> None:
    answer = send(vod, "POST", "faults", content_type="Application/JSON; charset=utf-8")
    assert answer.status_code == 200


def test_a_page_of_another_site_gets_no_permission(vod: LocalVod) -> None:
    answer = send(vod, "OPTIONS", "files/a.png", origin="http://evil.example")
    assert answer.status_code == 405
    assert "access-control-allow-origin" not in answer.headers
