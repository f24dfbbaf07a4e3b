"""The OpenAPI schema matches the server; it is for staff and for clients with a token."""

import io
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from django.core.management import call_command
from django.test import Client

from tests.contract.operations import OPERATIONS
from tests.factories import make_operator, make_video
from tests.support.console import Console, url_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(db: None) -> Client:
    client = Client()
    client.force_login(make_operator("viewer"))
    return client


@pytest.fixture
def schema(staff: Client) -> dict[str, Any]:
    content: dict[str, Any] = staff.get("/console/schema").json()
    return content


@pytest.mark.parametrize("path", ["/console/schema", "/console/docs"])
def test_the_documentation_is_for_staff(path: str, staff: Client) -> None:
    refused = Client().get(path)
    assert refused.status_code == 302
    assert "/login/" in refused["Location"]
    assert staff.get(path).status_code == 200


def test_a_client_takes_the_schema_with_its_token(console: Console) -> None:
    by_header = Client().get(
        "/console/schema", headers={"authorization": f"Bearer {console.token}"}
    )
    by_query = Client().get("/console/schema", {"consoleToken": console.token})
    assert by_header.json() == by_query.json()
    assert by_header.json()["openapi"].startswith("3.1")
    assert console.http.get("/console/docs", {"consoleToken": console.token}).status_code == 302


def test_an_unknown_token_gets_no_schema(staff: Client) -> None:
    refused = staff.get("/console/schema", headers={"authorization": "Bearer made-up"})
    assert (refused.status_code, refused.json()["code"]) == (403, "403")


def test_the_repository_has_the_schema() -> None:
    generated = io.StringIO()
    call_command("spectacular", format="openapi-json", stdout=generated)
    kept = Path(__file__).parents[2] / "docs" / "openapi.json"
    assert json.loads(kept.read_text("utf-8")) == json.loads(generated.getvalue()), (
        "Write it again: manage.py spectacular --format openapi-json --file docs/openapi.json"
    )


def test_each_body_has_one_type_for_generators(
    schema: dict[str, Any],
) -> None:
    bodies = [
        list(documented["requestBody"]["content"])
        for methods in schema["paths"].values()
        for documented in methods.values()
        if "requestBody" in documented
    ]
    assert len(bodies) == 9
    assert bodies == [["application/json"]] * 9


def test_recommend_video_takes_the_types_of_an_answered_row(
    console: Console, schema: dict[str, Any]
) -> None:
    video = make_video()
    components = schema["components"]
    parameters = components["schemas"]["RecommendVideoParameters"]["properties"]
    row = components["schemas"]["ListedVideoDocument"]["properties"]
    for name in parameters.keys() & row.keys():
        assert parameters[name]["type"] == row[name]["type"], name
    [answered] = console.get("getVideos")["data"]["videoList"]
    body = {name: answered[name] for name in parameters if name in answered}
    jsonschema.validate(
        body, {"$ref": "#/components/schemas/RecommendVideoParameters", "components": components}
    )
    assert console.post_json("recommendVideo", **body)["code"] == "200"
    assert video.recommendation.title == ""


def test_the_page_has_no_script_or_style_of_its_own(staff: Client) -> None:
    page = staff.get("/console/docs")
    html = page.content.decode()
    assert "<style" not in html
    assert "<script>" not in html
    assert "//" not in html.replace("<!DOCTYPE html>", "")  # nothing is loaded from another site
    assert "'unsafe" not in page["Content-Security-Policy"]
    assert staff.get("/console/docs?script=")["Content-Type"].startswith("application/javascript")


@pytest.mark.parametrize("path", ["/console/schema", "/console/docs"])
def test_the_documentation_is_only_read(path: str, staff: Client) -> None:
    for method in ("OPTIONS", "POST", "DELETE"):
        assert staff.generic(method, path).status_code == 405


def test_every_operation_is_documented_once_with_its_methods(schema: dict[str, Any]) -> None:
    documented = {path.rpartition("/")[2] for path in schema["paths"]}
    assert documented == {*OPERATIONS, "login"}
    assert not any(path.endswith("/") for path in schema["paths"])
    audit = schema["paths"]["/console/vod/createAudit"]
    assert set(audit) == {"get", "post"}
    assert "videos.review_video" in audit["get"]["description"]


@pytest.mark.parametrize("is_compat", [False, True])
def test_the_headers_of_every_answer_are_documented(
    is_compat: bool, staff: Client, console: Console, settings: Any
) -> None:
    settings.CONSOLE_API_COMPAT = is_compat
    schema = staff.get("/console/schema").json()
    refused = console.http.get(url_of("getVideos"))
    ours = {"X-Request-Id", "X-Error-Code", "Retry-After"}
    words = schema["components"]["headers"]["X-Error-Code"]["schema"]["enum"]
    assert refused["X-Error-Code"] in words
    for methods in schema["paths"].values():
        for documented in methods.values():
            answers = documented["responses"]
            assert answers["200" if is_compat else "default"]["headers"].keys() == ours
            assert "X-Request-Id" in answers["200"]["headers"]


def test_parameters_are_documented_with_their_limits(schema: dict[str, Any]) -> None:
    parameters = schema["paths"]["/console/vod/getVideos"]["get"]["parameters"]
    by_name = {parameter["name"]: parameter["schema"] for parameter in parameters}
    assert (by_name["pageSize"]["minimum"], by_name["pageSize"]["maximum"]) == (1, 100)
    assert by_name["censorStatus"]["enum"] == ["onCensor", "check", "success", "fail"]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_answers_match_the_schema(operation: str, console: Console, schema: dict[str, Any]) -> None:
    method, parameters = OPERATIONS[operation]
    ask = console.get if method == "GET" else console.post
    [documented] = [
        methods[method.lower()]
        for path, methods in schema["paths"].items()
        if path.startswith("/console/") and path.endswith(f"/{operation}")
    ]
    for code, answer in (("200", ask(operation, **parameters())), ("default", Console().get("x"))):
        content = documented["responses"][code]["content"]["application/json"]["schema"]
        jsonschema.validate(answer, {**content, "components": schema["components"]})
