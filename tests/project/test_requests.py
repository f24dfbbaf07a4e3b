"""Every request gets an id, and a line in the log without its query string."""

import logging
import uuid

import pytest
from django.test import Client

from videos.models import ReasonTemplate


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


TEMPLATES = "/admin/videos/reasontemplate/add/"
_MULTIPART = "multipart/form-data; boundary=b"
_URLENCODED = "application/x-www-form-urlencoded"


def part(name: bytes, value: bytes) -> bytes:
    return b'--b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (name, value)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"position=0&text=a%ff", _URLENCODED),
        (b"position=0&text=a\xff", _URLENCODED),
        (b"position=0&x=%EF%BF%BD&text=%C3\xc3\xa9", _URLENCODED),
        (part(b"position", b"0") + part(b"text", b"\xff") + b"--b--\r\n", _MULTIPART),
    ],
)
def test_a_form_of_the_desk_that_is_not_utf8_is_400(
    admin_client: Client, body: bytes, content_type: str
) -> None:
    for path in (TEMPLATES, "/admin/login/"):
        answer = admin_client.post(path, body, content_type=content_type)
        sentence = "The field text is not well-formed UTF-8. Nothing was changed.\n"
        assert (answer.status_code, answer.content.decode()) == (400, sentence)
    assert not ReasonTemplate.objects.exists()


def test_a_search_that_is_not_utf8_is_400(admin_client: Client) -> None:
    for query in ("q=%ff", "q=\xff"):
        answer = admin_client.get("/admin/videos/video/", QUERY_STRING=query)
        assert answer.status_code == 400
        assert "The field q is not well-formed" in answer.content.decode()


@pytest.mark.parametrize("text", [b"a%EF%BF%BDb", "a\ufffdb".encode()])
def test_a_replacement_character_at_the_desk_is_text(admin_client: Client, text: bytes) -> None:
    admin_client.post(TEMPLATES, b"position=0&severity=2&text=" + text, content_type=_URLENCODED)
    assert ReasonTemplate.objects.get().text == "a\ufffdb"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("a" * 2_000_000, _URLENCODED),
        ("&".join(f"p{number}=" for number in range(2_000)), _URLENCODED),
        ("--x", "multipart/form-data"),
    ],
)
def test_a_form_that_django_cannot_read_is_400(
    admin_client: Client, body: str, content_type: str
) -> None:
    assert admin_client.post(TEMPLATES, body, content_type=content_type).status_code == 400
