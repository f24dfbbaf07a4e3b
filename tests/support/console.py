"""The console API as its clients use it: one method per verb, envelopes back."""

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus

import orjson
from django.test import Client

from accounts.models import Operator
from accounts.tokens import issue_token
from tests.support.localvod import ROOT

# Every envelope that a test reads is checked against the words of the documentation.
API_PAGE = (ROOT / "docs" / "api.md").read_text()
ERROR_CODES = frozenset(
    re.findall(r"`([a-z_]+)`", API_PAGE.partition("| code | `X-Error-Code` |")[2].split("\n\n")[0])
)
USER_OPERATIONS = ("login", "signOut")


@dataclass
class Console:
    """A client with the token of one operator; None has none."""

    operator: Operator | None = None
    token: str = ""
    http: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    def __post_init__(self) -> None:
        if self.operator is not None and not self.token:
            self.token = issue_token(self.operator)

    def get(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """The envelope of a GET, with the token in the query."""
        return envelope(self.http.get(url_of(operation), self.with_token(parameters)))

    def post(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """The envelope of a form-encoded POST, with the token as its last field."""
        return envelope(self.post_form(operation, **parameters))

    def post_form(self, operation: str, **parameters: Any) -> Any:
        body = "&".join(
            f"{name}={quote_plus(str(value))}"
            for name, value in self.with_token(parameters).items()
        )
        return self.http.post(
            url_of(operation), body, content_type="application/x-www-form-urlencoded"
        )

    def post_json(self, operation: str, **parameters: Any) -> dict[str, Any]:
        body = orjson.dumps(self.with_token(parameters))
        return envelope(self.http.post(url_of(operation), body, content_type="application/json"))

    def post_multipart(self, operation: str, **parameters: Any) -> dict[str, Any]:
        return envelope(self.http.post(url_of(operation), self.with_token(parameters)))

    def with_token(self, parameters: dict[str, Any]) -> dict[str, Any]:
        return {**parameters, "consoleToken": self.token} if self.token else parameters


def url_of(operation: str) -> str:
    """The URL of a documented operation by its name; a path is taken as it is."""
    if operation.startswith("/"):
        return operation
    return f"/console/{'user' if operation in USER_OPERATIONS else 'vod'}/{operation}"


def envelope(response: Any) -> dict[str, Any]:
    """The parsed body, once it is clear that it is an envelope and agrees with its headers."""
    assert response["Content-Type"] == "application/json"
    content: dict[str, Any] = orjson.loads(response.content)
    assert list(content) == ["result", "requestId", "message", "code", "data"]
    assert content["requestId"] == response["X-Request-Id"]
    assert content["result"] == ("true" if content["code"] == "200" else "false")
    if content["code"] != "200":
        assert content["data"] is None
        assert content["message"]
    assert response.get("X-Error-Code", "") in (ERROR_CODES if content["code"] != "200" else ("",))
    return content
