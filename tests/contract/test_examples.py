"""Every answer matches its documented example: order of keys, types, message."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.contract.operations import CHANGING_BY_GET, OPERATIONS, blocking
from tests.factories import PASSWORD, make_file, make_video
from tests.support.console import Console

EXAMPLES = Path(__file__).parent / "examples"
pytestmark = pytest.mark.django_db


@pytest.fixture(params=[False, True], ids=["documented", "AppServer"])
def dialect(request: pytest.FixtureRequest, settings: Any) -> None:
    settings.CONSOLE_API_COMPAT = request.param


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.usefixtures("dialect")
def test_an_operation_answers_as_documented(operation: str, console: Console) -> None:
    method, parameters = OPERATIONS[operation]
    ask = console.get if method == "GET" else console.post
    assert_like_example(ask(operation, **parameters()), operation)


@pytest.mark.parametrize("operation", CHANGING_BY_GET)
def test_changes_documented_as_get_take_post_too(operation: str, console: Console) -> None:
    assert_like_example(console.post(operation, **OPERATIONS[operation][1]()), operation)


def test_login_answers_as_documented(console: Console) -> None:
    assert console.operator is not None
    answer = Console().post("login", userName=console.operator.username, password=PASSWORD)
    assert_like_example(answer, "login")
    assert len(answer["data"]["consoleToken"]) == 32


@pytest.mark.parametrize("send", ["post", "post_json", "post_multipart"])
@pytest.mark.parametrize(
    "operation", [name for name, (method, _) in OPERATIONS.items() if method == "POST"]
)
def test_a_post_takes_forms_and_json(send: str, operation: str, console: Console) -> None:
    answer = getattr(console, send)(operation, **OPERATIONS[operation][1]())
    assert_like_example(answer, operation)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_trailing_slash_changes_nothing(operation: str, console: Console) -> None:
    method, parameters = OPERATIONS[operation]
    ask = console.get if method == "GET" else console.post
    folder = "user" if operation == "signOut" else "vod"
    assert_like_example(ask(f"/console/{folder}/{operation}/", **parameters()), operation)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("spelling", ["consoletoken", "consoleToken", "CONSOLETOKEN", "Bearer"])
def test_a_token_is_accepted_in_each_spelling(
    operation: str, spelling: str, console: Console
) -> None:
    method, parameters = OPERATIONS[operation]
    token, console.token = console.token, ""
    values = parameters()
    if spelling == "Bearer":
        console.http.defaults["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    else:
        values[spelling] = token
    ask = console.get if method == "GET" else console.post
    assert_like_example(ask(operation, **values), operation)


def test_an_error_looks_as_documented(console: Console) -> None:
    answer = console.get("createAudit", **{**blocking(), "reason": ""})
    assert_like_example(answer, "error")


def test_the_lists_of_a_video_are_not_empty(console: Console) -> None:
    make_video(files=[make_file("media.example.com/a.mp4")])
    answer = console.get("getVideos")
    assert answer["data"]["videoList"][0]["SnapshotList"]
    assert answer["data"]["videoList"][0]["fileUrlList"]


def assert_like_example(answer: dict[str, Any], operation: str) -> None:
    example = orjson.loads((EXAMPLES / f"{operation}.json").read_bytes())
    assert answer["message"] == example["message"]
    assert answer["code"] == example["code"]
    assert shape(answer) == shape(example)


def shape(value: Any) -> Any:
    """Return the keys in order with the types of values; a list has the shape of its first item."""
    if isinstance(value, dict):
        return [(name, shape(item)) for name, item in value.items()]
    if isinstance(value, list):
        return ["list", shape(value[0]) if value else None]
    return type(value).__name__
