"""Login, sign-out, and the lockout after too many failures."""

import json
from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessFailureLog
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.lockout import WINDOW
from accounts.models import ConsoleToken, Operator
from accounts.models.token import hashed
from accounts.tokens import issue_token
from tests.console.hashers import CountingHasher
from tests.factories import PASSWORD, make_operator
from tests.support.console import Console, envelope, url_of

pytestmark = pytest.mark.django_db
WRONG = "The user name or the password is wrong, or the account is disabled."


def log_in(
    name: str, password: str = "wrong", *, address: str = "192.0.2.1", **headers: Any
) -> Any:
    """Post a login from an address. Returns the response."""
    client = Client(REMOTE_ADDR=address, **headers)
    return client.post(url_of("login"), {"userName": name, "password": password})


def fail_to_log_in(name: str, *, times: int, address: str = "192.0.2.1") -> None:
    for _ in range(times):
        assert log_in(name, address=address).status_code == 401


def test_a_token_is_stored_only_as_a_hash() -> None:
    operator = make_operator("viewer")
    token = envelope(log_in(operator.username, PASSWORD))["data"]["consoleToken"]
    assert ConsoleToken.objects.get().token_hash == hashed(token)
    assert token not in str(ConsoleToken.objects.values().get())
    assert Console(token=token).get("getVideos")["code"] == "200"


@pytest.mark.parametrize("values", [{"is_active": False}, {"is_staff": False}])
def test_every_refused_login_gets_the_same_message(values: Any) -> None:
    operator = make_operator("viewer", **values)
    for name, password in (
        (operator.username, PASSWORD),
        (operator.username, "wrong"),
        ("nobody", "wrong"),
    ):
        answer = envelope(log_in(name, password))
        assert (answer["code"], answer["message"]) == ("401", WRONG)
    assert AccessFailureLog.objects.count() == 3
    assert not ConsoleToken.objects.exists()


def test_an_unknown_name_is_hashed_as_often_as_a_known_one(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["tests.console.hashers.CountingHasher"]
    operator = make_operator("viewer")
    CountingHasher.rounds = 0
    log_in(operator.username)
    known = CountingHasher.rounds
    log_in("nobody")
    assert known > 0
    assert CountingHasher.rounds == 2 * known


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({}, "userName is required."),
        ({"userName": "a"}, "password is required."),
        ({"userName": "a", "password": ""}, "password is required."),
        ({"userName": "a\0b", "password": "b"}, "userName must not contain NUL characters."),
    ],
)
def test_login_names_the_invalid_parameter(parameters: dict[str, str], message: str) -> None:
    assert Console().post("login", **parameters)["message"] == message


def test_a_very_long_name_is_unknown() -> None:
    assert log_in("n" * 1_000).status_code == 401


def test_five_failures_lock_an_account_out_from_one_address() -> None:
    operator = make_operator("viewer")
    fail_to_log_in(operator.username, times=5)
    locked = log_in(operator.username, PASSWORD)
    assert locked.status_code == 429
    assert envelope(locked)["code"] == "429"
    assert 0 < int(locked["Retry-After"]) <= WINDOW.total_seconds()
    assert log_in(operator.username, PASSWORD, address="192.0.2.2").status_code == 200
    assert log_in(make_operator("viewer").username, PASSWORD).status_code == 200


def test_thirty_failures_lock_the_address_out() -> None:
    operator = make_operator("viewer")
    for number in range(30):
        fail_to_log_in(f"guess-{number}", times=1)
    assert log_in(operator.username, PASSWORD).status_code == 429
    assert log_in(operator.username, PASSWORD, address="192.0.2.2").status_code == 200


def test_failures_from_many_addresses_lock_no_account_out() -> None:
    operator = make_operator("viewer")
    for number in range(40):
        fail_to_log_in(operator.username, times=1, address=f"198.51.100.{number}")
    assert log_in(operator.username, PASSWORD).status_code == 200


def test_an_attempt_during_a_lockout_does_not_prolong_it() -> None:
    operator = make_operator("viewer")
    fail_to_log_in(operator.username, times=5)
    first = int(log_in(operator.username)["Retry-After"])
    assert int(log_in(operator.username)["Retry-After"]) <= first
    assert AccessFailureLog.objects.count() == 5
    oldest = AccessFailureLog.objects.order_by("attempt_time").first()
    assert oldest is not None
    AccessFailureLog.objects.filter(pk=oldest.pk).update(attempt_time=timezone.now() - WINDOW)
    assert log_in(operator.username, PASSWORD).status_code == 200


def test_a_login_clears_earlier_failures() -> None:
    operator = make_operator("viewer")
    for _ in range(2):
        fail_to_log_in(operator.username, times=4)
        assert log_in(operator.username, PASSWORD).status_code == 200


def test_failures_older_than_the_window_are_not_kept() -> None:
    fail_to_log_in("a", times=1)
    AccessFailureLog.objects.update(attempt_time=timezone.now() - WINDOW)
    fail_to_log_in("b", times=1)
    assert AccessFailureLog.objects.get().username == "b"


def test_the_admins_login_is_locked_out_too() -> None:
    operator = make_operator("viewer")
    fail_to_log_in(operator.username, times=5)
    login = Client(REMOTE_ADDR="192.0.2.1").post(
        reverse("admin:login"), {"username": operator.username, "password": PASSWORD}
    )
    assert login.status_code == 429
    assert int(login["Retry-After"]) > 0


def test_failures_at_the_admins_login_count_for_the_api() -> None:
    operator = make_operator("viewer")
    for _ in range(5):
        Client(REMOTE_ADDR="192.0.2.1").post(
            reverse("admin:login"), {"username": operator.username, "password": "wrong"}
        )
    assert log_in(operator.username, PASSWORD).status_code == 429


def test_the_address_comes_from_trusted_proxies_only(settings: Any) -> None:
    forwarded = {"HTTP_X_FORWARDED_FOR": "203.0.113.9, 198.51.100.7"}
    log_in("a", **forwarded)
    settings.TRUSTED_PROXY_COUNT = 1
    log_in("b", **forwarded)
    settings.TRUSTED_PROXY_COUNT = 2
    log_in("c", **forwarded)
    settings.TRUSTED_PROXY_COUNT = 3
    log_in("d", **forwarded)
    log_in("e", address="")
    seen = dict(AccessFailureLog.objects.values_list("username", "ip_address"))
    assert seen == {
        "a": "192.0.2.1",
        "b": "198.51.100.7",
        "c": "203.0.113.9",
        "d": "192.0.2.1",
        "e": None,
    }


def test_signing_out_with_a_token_revokes_that_token_only(console: Console) -> None:
    other = Console(console.operator)
    assert console.post("signOut")["code"] == "200"
    assert console.get("getVideos")["code"] == "403"
    assert console.post("signOut")["code"] == "200"  # an unknown token by now
    assert other.get("getVideos")["code"] == "200"


def test_logins_and_sign_outs_store_their_request_id(console: Console) -> None:
    assert console.operator is not None
    name = console.operator.username
    login = Console().post("login", userName=name, password=PASSWORD)
    assert ConsoleToken.objects.filter(request_id=login["requestId"]).count() == 1
    by_token = console.post("signOut")
    by_password = Console().post("signOut", userName=name, password=PASSWORD)
    noted = [json.loads(entry.change_message) for entry in LogEntry.objects.order_by("id")]
    assert [line["requestId"] for line in noted] == [
        by_token["requestId"],
        by_password["requestId"],
    ]


def test_signing_out_with_a_password_keeps_service_tokens(console: Console) -> None:
    operator = console.operator
    assert operator is not None
    service = Console(token=issue_token(operator, service="backend"))
    other = Console(make_operator("viewer"))
    answer = Console().post("signOut", userName=operator.username, password=PASSWORD)
    assert answer["code"] == "200"
    assert console.get("getVideos")["code"] == "403"
    assert service.get("getVideos")["code"] == "200"
    assert other.get("getVideos")["code"] == "200"


def test_signing_out_another_operator_is_409(console: Console) -> None:
    other = make_operator("viewer")
    answer = console.post("signOut", userName=other.username, password=PASSWORD)
    assert answer["code"] == "409"
    assert console.get("getVideos")["code"] == "200"


def test_signing_out_with_a_wrong_password_is_a_failed_login(console: Console) -> None:
    assert console.operator is not None
    for _ in range(5):
        answer = console.post("signOut", userName=console.operator.username, password="wrong")
        assert answer["code"] == "401"
    answer = console.post("signOut", userName=console.operator.username, password=PASSWORD)
    assert answer["code"] == "429"
    assert console.get("getVideos")["code"] == "200"


@pytest.mark.parametrize("parameters", [{}, {"userName": "a"}, {"password": "b"}])
def test_signing_out_without_token_or_password_is_400(parameters: dict[str, str]) -> None:
    assert Console().post("signOut", **parameters)["code"] == "400"


def test_the_last_use_of_a_token_is_stored_once_a_minute(
    console: Console, django_assert_num_queries: Any
) -> None:
    long_ago = timezone.now() - timedelta(days=29)
    ConsoleToken.objects.update(last_used_at=long_ago)
    # Token, three to store its use in a transaction, an empty total. PostgreSQL needs
    # another, so that it does not wait for a lock.
    with django_assert_num_queries(6 if connection.vendor == "postgresql" else 5):
        console.get("getVideos")
    assert timezone.now() - ConsoleToken.objects.get().last_used_at < timedelta(minutes=1)
    with django_assert_num_queries(2):
        console.get("getVideos")


def test_a_login_removes_the_operators_expired_tokens(console: Console, settings: Any) -> None:
    dead = timezone.now() - timedelta(seconds=settings.CONSOLE_TOKEN_TTL)
    ConsoleToken.objects.update(last_used_at=dead)
    another = Console(make_operator("viewer"))
    assert console.operator is not None
    log_in(console.operator.username, PASSWORD)
    assert ConsoleToken.objects.count() == 2
    assert another.get("getVideos")["code"] == "200"


def test_tokens_survive_a_change_of_the_secret_key(console: Console, settings: Any) -> None:
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key"
    assert console.get("getVideos")["code"] == "200"


def test_a_command_makes_a_token_for_a_service(capsys: pytest.CaptureFixture[str]) -> None:
    operator = make_operator("viewer")
    call_command("create_console_token", username=operator.username, service="backend")
    token = capsys.readouterr().out.strip()
    assert Console(token=token).get("getVideos")["code"] == "200"
    assert ConsoleToken.objects.get().service == "backend"


@pytest.mark.parametrize(
    ("username", "service", "message"),
    [
        ("nobody", "backend", "no operator 'nobody'"),
        ("disabled", "backend", "not an active staff member"),
        ("able", "", "1 to 64 characters"),
        ("able", " ", "1 to 64 characters"),
        ("able", "\u200b", "1 to 64 characters"),
        ("able", "back\u200bend", "a character that shows nothing"),
    ],
)
def test_the_command_says_why_it_makes_no_token(username: str, service: str, message: str) -> None:
    make_operator("viewer", username="disabled", is_active=False)
    make_operator("viewer", username="able")
    with pytest.raises(CommandError, match=message):
        call_command("create_console_token", username=username, service=service)


def test_a_command_makes_and_changes_an_operator(capsys: pytest.CaptureFixture[str]) -> None:
    for role in ("viewer", "operator"):
        call_command("create_operator", username="anne", role=role)
        printed = capsys.readouterr().out
        password = printed.rpartition("Password: ")[2].strip()
        assert log_in("anne", password).status_code == 200
        groups = Operator.objects.get(username="anne").groups.values_list("name", flat=True)
        assert list(groups) == [role]


def test_an_invalid_name_makes_no_operator() -> None:
    with pytest.raises(CommandError, match="username"):
        call_command("create_operator", username="a b", role="viewer")
