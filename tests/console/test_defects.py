"""Defects of the server: details go to the log, never to the client."""

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.test import Client

from accounts.models import Uploader
from shortvideo.console.errors import envelope_of
from shortvideo.logs import configure
from tests.factories import PASSWORD
from tests.support.console import Console, envelope, url_of
from videos.models import Video

pytestmark = pytest.mark.django_db


@contextmanager
def every_query_raises(error: Exception, *, but: str = "nothing") -> Iterator[None]:
    """Let all queries fail except those that contain `but`."""

    def fail(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if but in sql:
            return execute(sql, params, many, context)
        raise error

    with connection.execute_wrapper(fail):
        yield


def test_a_defect_is_logged_and_clients_get_no_details(
    console: Console, caplog: pytest.LogCaptureFixture
) -> None:
    error = ValueError("SELECT secret FROM table")
    with every_query_raises(error), caplog.at_level(logging.ERROR):
        answer = console.get("getVideos")
    assert answer["code"] == "500"
    assert "secret" not in answer["message"]
    [record] = [record for record in caplog.records if record.name == "shortvideo.console.errors"]
    assert record.exc_info is not None
    assert record.exc_info[1] is error


def test_a_defect_is_500_for_the_appservers_clients_too(console: Console, settings: Any) -> None:
    settings.CONSOLE_API_COMPAT = True
    with every_query_raises(ValueError("no")):
        assert console.get("getVideos")["code"] == "500"


def test_a_missing_video_is_404_and_a_missing_uploader_500() -> None:
    assert envelope_of(Video.DoesNotExist()).code == 404
    assert envelope_of(Uploader.DoesNotExist()).code == 500


@pytest.mark.parametrize("table", ["accounts_consoletoken", "nothing"])
def test_a_client_that_cannot_be_checked_is_refused(table: str, console: Console) -> None:
    with every_query_raises(OperationalError("no such table"), but=table):
        answer = console.get("getVideos")
    assert answer["result"] == "false"
    assert answer["data"] is None


def slow_query() -> None:
    """Run a query past its time limit, on either database."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL statement_timeout = 20")
            cursor.execute("SELECT pg_sleep(20)")
        connection.connection.set_progress_handler(lambda: 1, 1)
        try:
            cursor.execute("SELECT 1 FROM sqlite_master")
        finally:
            connection.connection.set_progress_handler(None, 0)


def test_a_query_past_its_time_limit_is_503(console: Console) -> None:
    with pytest.raises(OperationalError) as caught, transaction.atomic():
        slow_query()
    with every_query_raises(caught.value, but="accounts_"):
        response = console.http.get(url_of("getVideos"), {"consoleToken": console.token})
    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    assert "took too long" in envelope(response)["message"]


def failing_middleware(_: Any) -> Any:
    def fail(_request: Any) -> None:
        raise ValueError("no")

    return fail


def test_a_defect_outside_of_the_views_is_an_envelope_too(settings: Any) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.failing_middleware"]
    answer = envelope(Client(raise_request_exception=False).get(url_of("getVideos")))
    assert (answer["code"], "no" in answer["message"].split()) == ("500", False)


ALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}


@pytest.mark.parametrize(
    ("variables", "limit"),
    [
        ({}, None),
        (
            {"WEB_PROCESS": "true"},
            "-c statement_timeout=10000 -c lock_timeout=2000 -c jit=off",
        ),
        (
            {
                "WEB_PROCESS": "true",
                "DATABASE_STATEMENT_TIMEOUT": "0",
                "DATABASE_LOCK_TIMEOUT": "0",
            },
            None,
        ),
        ({"DATABASE_STATEMENT_TIMEOUT": "5"}, "-c statement_timeout=5 -c jit=off"),
        (
            {"DATABASE_IDLE_TRANSACTION_TIMEOUT": "7"},
            "-c idle_in_transaction_session_timeout=7 -c jit=off",
        ),
    ],
)
def test_only_the_web_server_limits_its_queries_by_default(
    variables: dict[str, str], limit: str | None
) -> None:
    script = "from shortvideo.settings import DATABASES as d; print(d['default'].get('OPTIONS'))"
    environment = {
        **{name: value for name, value in os.environ.items() if name != "WEB_PROCESS"},
        "DATABASE_URL": "postgres://nobody@127.0.0.1/none",
        "DATABASE_IDLE_TRANSACTION_TIMEOUT": "0",
        **variables,
    }
    printed = subprocess.run(
        [sys.executable, "-c", script], env=environment, check=True, capture_output=True, text=True
    ).stdout.strip()
    expected: dict[str, object] = dict(ALIVE)
    if "WEB_PROCESS" in variables:
        expected |= {"connect_timeout": 2, "tcp_user_timeout": 2_000}
    if "WEB_PROCESS" in variables and limit:
        expected["answer_timeout"] = 12.0
    assert printed == str({**expected, "options": limit} if limit else expected)


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_neither_tokens_nor_passwords_reach_the_log(
    log_format: str, console: Console, capfd: pytest.CaptureFixture[str]
) -> None:
    assert console.operator is not None
    configure({"format": log_format, "level": "DEBUG"})
    with every_query_raises(ValueError("no"), but="accounts_"):
        console.get("getVideos")
        console.post("getVideoById", videoId="a")
    with every_query_raises(ValueError("no")):
        console.post("login", userName=console.operator.username, password=PASSWORD)
    console.post("login", userName=console.operator.username, password=f"{PASSWORD} not")
    logged = capfd.readouterr().err
    assert logged.count("Traceback") >= 2
    assert "/console/vod/getVideos" in logged
    assert console.token not in logged
    assert PASSWORD not in logged
