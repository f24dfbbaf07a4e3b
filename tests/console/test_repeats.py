"""A client that lost an answer sends its request again: nothing happens twice."""

from typing import Any

import pytest
from django.apps import apps

from tests.contract.operations import OPERATIONS
from tests.support.console import Console

pytestmark = pytest.mark.django_db
# What docs/api.md says about the second answer.
AGAIN = {
    "submitTranscode": "409",
    "submitTabTranscode": "409",
    "createAudit": "200",
    "recommendVideo": "200",
    "deleteRecommendById": "404",
    "pushObjectCache": "200",
    "deleteVideoById": "200",
    "signOut": "200",
}
MOVING = {"changed_at", "last_used_at", "request_id"}


def rows() -> dict[str, list[dict[str, Any]]]:
    """Return the rows of our apps without the fields that only say when."""
    ours = ("accounts", "outbox", "recommendations", "videos", "webhooks")
    return {
        model._meta.label: [
            {name: value for name, value in row.items() if name not in MOVING}
            for row in model._default_manager.order_by("pk").values()
        ]
        for label in ours
        for model in apps.get_app_config(label).get_models()
    }


@pytest.mark.parametrize("operation", AGAIN)
def test_a_repeated_change_changes_nothing(operation: str, console: Console) -> None:
    method, parameters = OPERATIONS[operation]
    values = parameters()
    ask = console.get if method == "GET" else console.post
    assert ask(operation, **values)["code"] == "200"
    before = rows()
    assert ask(operation, **values)["code"] == AGAIN[operation]
    assert rows() == before


def test_every_change_of_the_documentation_is_repeated() -> None:
    changing = {name for name, (method, _) in OPERATIONS.items() if method == "POST"}
    assert changing | {"submitTranscode", "submitTabTranscode", "createAudit"} == set(AGAIN)


def test_a_repeated_removal_says_so(console: Console) -> None:
    values = OPERATIONS["deleteRecommendById"][1]()
    console.post("deleteRecommendById", **values)
    answer = console.post("deleteRecommendById", **values)
    assert answer["message"] == "The video with this videoId is not recommended."
