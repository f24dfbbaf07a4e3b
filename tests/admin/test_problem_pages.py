"""Error pages in the theme."""

from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client, override_settings
from django.urls import path
from django.views.generic import View

from shortvideo.urls import handler400, handler500, urlpatterns
from tests.admin.conftest import DeskOf

__all__ = ["handler400", "handler500"]


class Broken(View):
    def get(self, request: Any) -> Any:
        raise RuntimeError("a defect")


class Locked(View):
    def get(self, request: Any) -> Any:
        raise OperationalError("database is locked")


urlpatterns = [
    path("admin/broken/", Broken.as_view()),
    path("admin/locked/", Locked.as_view()),
    *urlpatterns,
]


def theme_and_heading(response: Any) -> str:
    page: str = response.content.decode()
    assert "desk/tokens.css" in page
    assert "Go to the desk" in page
    return page


def test_an_unknown_page_is_not_found(desk_of: DeskOf) -> None:
    response = desk_of("viewer").client.get("/admin/nope/")
    assert response.status_code == 404
    assert "<h1>Not found</h1>" in theme_and_heading(response)


def test_a_page_of_another_role_is_not_allowed(desk_of: DeskOf) -> None:
    response = desk_of("viewer").client.get("/admin/review/")
    assert response.status_code == 403
    assert "<h1>Not allowed</h1>" in theme_and_heading(response)


def test_a_form_of_an_earlier_login_says_so(desk_of: DeskOf) -> None:
    desk = desk_of("moderator")
    client = Client(enforce_csrf_checks=True)
    client.cookies = desk.client.cookies
    response = client.post("/admin/videos/video/undo/")
    assert response.status_code == 403
    assert "the form is older than your login" in theme_and_heading(response)


@pytest.mark.django_db
@override_settings(ROOT_URLCONF="tests.admin.test_problem_pages")
def test_a_defect_says_so() -> None:
    response = Client(raise_request_exception=False).get("/admin/broken/")
    assert response.status_code == 500
    assert "<h1>Something broke</h1>" in theme_and_heading(response)
