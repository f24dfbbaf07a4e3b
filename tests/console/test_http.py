"""What HTTP adds to the console API: CORS, compression, encoded bodies, repeated parameters."""

import gzip
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from django.test import Client

from tests.factories import PASSWORD, make_video
from tests.support.console import Console, envelope, url_of

pytestmark = pytest.mark.django_db

APP = "https://app.example.com"
OTHER = "https://other.example.com"


@pytest.fixture
def _app_allowed(settings: Any) -> None:
    settings.CONSOLE_CORS_ORIGINS = [APP]


def preflight(path: str, origin: str) -> Any:
    asked = {"origin": origin, "access-control-request-method": "POST"}
    return Client().options(path, headers=asked)


def cors_headers(response: Any) -> list[str]:
    return [name for name in response.headers if name.startswith("Access-Control-")]


# --- CORS -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/console/vod/getVideos", "/vodVideo/getVideoById"])
@pytest.mark.usefixtures("_app_allowed")
def test_a_preflight_of_an_allowed_origin_is_answered(path: str) -> None:
    response = preflight(path, APP)
    assert (response.status_code, response["Access-Control-Allow-Origin"]) == (204, APP)
    assert response["Access-Control-Allow-Methods"] == "GET, POST"
    assert "Authorization" in response["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in response
    assert response["Vary"] == "Origin"


@pytest.mark.parametrize("origin", [OTHER, "null", "", APP + "/", APP.upper(), APP + ".evil"])
@pytest.mark.usefixtures("_app_allowed")
def test_a_preflight_of_another_origin_is_405(origin: str) -> None:
    response = preflight(url_of("getVideos"), origin)
    assert (response.status_code, cors_headers(response)) == (405, [])


def test_without_a_setting_no_origin_is_answered(console: Console) -> None:
    assert preflight(url_of("getVideos"), APP).status_code == 405
    response = console.http.get(url_of("getVideos"), headers={"origin": APP})
    assert cors_headers(response) == []


@pytest.mark.usefixtures("_app_allowed")
def test_refusals_too_can_be_read_by_an_allowed_page() -> None:
    response = Client().get(url_of("getVideos"), headers={"origin": APP})
    assert (response.status_code, response["Access-Control-Allow-Origin"]) == (403, APP)
    assert "X-Request-Id" in response["Access-Control-Expose-Headers"]


@pytest.mark.usefixtures("_app_allowed")
def test_the_desk_and_the_callback_answer_no_origin() -> None:
    for path in ("/admin/login/", "/vodcallback/callback"):
        assert cors_headers(Client().get(path, headers={"origin": APP})) == []
        assert cors_headers(preflight(path, APP)) == []


# --- Compression ----------------------------------------------------------------------------------


def test_an_answer_is_compressed_for_clients_that_ask(console: Console) -> None:
    for _ in range(3):
        make_video()
    query = {"consoleToken": console.token}
    plain = console.http.get(url_of("getVideos"), query)
    packed = console.http.get(url_of("getVideos"), query, headers={"accept-encoding": "gzip"})
    assert "Content-Encoding" not in plain
    assert packed["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed["Vary"]
    content = orjson.loads(gzip.decompress(packed.content))
    assert content["data"]["total"] == 3
    assert len(packed.content) < len(plain.content) / 3


def test_a_login_is_never_compressed(console: Console) -> None:
    assert console.operator is not None
    # Long enough to be worth it, and reflected nowhere.
    form = {"userName": console.operator.username, "password": PASSWORD, "more": "a" * 1_000}
    response = console.http.post(url_of("login"), form, headers={"accept-encoding": "gzip"})
    assert (response.status_code, "Content-Encoding" in response) == (200, False)


# --- Bodies and parameters ------------------------------------------------------------------------


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "GZIP", "identity, gzip"])
@pytest.mark.parametrize("path", ["/console/vod/createAudit", "/console/user/login"])
def test_an_encoded_body_is_415(path: str, coding: str) -> None:
    response = Client().post(path, {"status": "Normal"}, headers={"content-encoding": coding})
    assert (response.status_code, envelope(response)["code"]) == (415, "415")


def test_a_coding_without_a_body_is_ignored() -> None:
    response = Client().get(url_of("getVideos"), headers={"content-encoding": "gzip"})
    assert response.status_code == 403


@pytest.mark.parametrize("coding", ["", "identity"])
def test_a_body_without_a_coding_is_read(coding: str, console: Console) -> None:
    form = console.with_token({"mediaId": make_video().vod_id, "status": "Normal"})
    response = console.http.post(url_of("createAudit"), form, headers={"content-encoding": coding})
    assert envelope(response)["code"] == "200"


@pytest.mark.parametrize(("is_compat", "page_size"), [(False, 2), (True, 1)])
def test_a_repeated_parameter_counts_once(
    is_compat: bool, page_size: int, console: Console, settings: Any
) -> None:
    settings.CONSOLE_API_COMPAT = is_compat
    for _ in range(3):
        make_video()
    query = f"pageSize=1&pageSize=2&consoleToken={console.token}"
    answer = envelope(console.http.get(f"{url_of('getVideos')}?{query}"))
    assert len(answer["data"]["videoList"]) == page_size


@pytest.mark.parametrize(("is_compat", "status"), [(False, "fail"), (True, "success")])
@pytest.mark.parametrize("is_json", [False, True])
def test_a_repeated_field_of_a_body_counts_once(
    is_json: bool, is_compat: bool, status: str, console: Console, settings: Any
) -> None:
    settings.CONSOLE_API_COMPAT = is_compat
    video = make_video(censor_status="check")
    query = f"mediaId={video.vod_id}&reason=r&consoleToken={console.token}"
    body, content_type = (
        ('{"status": "Normal", "status": "Blocked"}', "application/json")
        if is_json
        else ("status=Normal&status=Blocked", "application/x-www-form-urlencoded")
    )
    url = f"{url_of('createAudit')}?{query}"
    envelope(console.http.post(url, body, content_type=content_type))
    video.refresh_from_db()
    assert video.censor_status == status


@pytest.mark.parametrize("is_compat", [False, True])
@pytest.mark.parametrize("names", ["consoleToken consoleToken", "consoletoken consoleToken"])
@pytest.mark.parametrize("place", ["query", "form", "json"])
def test_of_several_tokens_one_counts_as_of_other_values(
    place: str, names: str, is_compat: bool, console: Console, settings: Any
) -> None:
    settings.CONSOLE_API_COMPAT = is_compat
    tokens = [console.token, "wrong"] if is_compat else ["wrong", console.token]
    pairs = list(zip(names.split(), tokens, strict=True))
    encoded = urlencode(pairs)
    video = make_video(censor_status="check")
    url = f"{url_of('createAudit')}?mediaId={video.vod_id}&status=Normal"
    if place == "query":
        response = console.http.get(f"{url}&{encoded}")
    elif place == "form":
        response = console.http.post(url, encoded, content_type="application/x-www-form-urlencoded")
    else:
        members = ", ".join(f'"{name}": "{token}"' for name, token in pairs)
        response = console.http.post(url, f"{{{members}}}", content_type="application/json")
    assert envelope(response)["code"] == "200"


@pytest.mark.parametrize("is_compat", [False, True])
def test_the_body_wins_over_the_query(is_compat: bool, console: Console, settings: Any) -> None:
    settings.CONSOLE_API_COMPAT = is_compat
    video = make_video(censor_status="check")
    url = f"{url_of('createAudit')}?mediaId={video.vod_id}&status=Blocked&consoleToken=wrong"
    form = console.with_token({"status": "Normal", "reason": "r"})
    assert envelope(console.http.post(url, form))["code"] == "200"
    video.refresh_from_db()
    assert video.censor_status == "success"


def test_a_host_that_is_not_served_gets_an_envelope(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["console.example.com"]
    response = Client().get(url_of("getVideos"), headers={"host": "evil.example.com"})
    assert (response.status_code, envelope(response)["code"]) == (400, "400")
