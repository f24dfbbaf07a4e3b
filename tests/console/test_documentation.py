"""The OpenAPI schema matches the server and is for staff."""

from typing import Any

import jsonschema
import pytest
from django.test import Client

from tests.contract.operations import OPERATIONS
from tests.factories import make_operator
from tests.support.console import Console

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


def test_the_page_has_no_script_or_style_of_its_own(staff: Client) -> None:
    page = staff.get("/console/docs")
    html = page.content.decode()
    assert "<style" not in html
    assert "<script>" not in html
    assert "//" not in html.replace("<!DOCTYPE html>", "")  # nothing is loaded from another site
    assert "'unsafe" not in page["Content-Security-Policy"]
    assert staff.get("/console/docs?script=")["Content-Type"].startswith("application/javascript")


def test_every_operation_is_documented_once_with_its_methods(schema: dict[str, Any]) -> None:
    documented = {path.rpartition("/")[2] for path in schema["paths"]}
    assert documented == {*OPERATIONS, "login"}
    assert not any(path.endswith("/") for path in schema["paths"])
    audit = schema["paths"]["/console/vod/createAudit"]
    assert set(audit) == {"get", "post"}
    assert "videos.review_video" in audit["get"]["description"]


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
