"""Every request gets an id, and a line in the log without its query string."""

import logging
import uuid

import pytest
from django.test import Client


@pytest.mark.django_db
def test_the_root_redirects_to_the_desk(client: Client) -> None:
    assert client.get("/").headers["Location"] == "/admin/"


@pytest.mark.django_db
def test_every_answer_carries_a_fresh_request_id(client: Client) -> None:
    ids = {client.get("/admin/login/").headers["X-Request-Id"] for _ in range(2)}
    assert len({uuid.UUID(value) for value in ids}) == 2


@pytest.mark.django_db
def test_a_token_in_the_query_string_reaches_no_log(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    response = client.get("/admin/login/?consoletoken=very-secret-token")
    assert "/admin/login/" in caplog.text
    assert response.headers["X-Request-Id"] in caplog.text
    assert "very-secret-token" not in caplog.text
