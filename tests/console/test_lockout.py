"""How failed logins are counted and forgotten: names, addresses, commands."""

from typing import Any

import pytest
from axes.models import AccessFailureLog
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from accounts.models import Operator
from tests.console.test_login import fail_to_log_in, log_in
from tests.factories import PASSWORD, make_operator
from tests.support.console import Console

pytestmark = pytest.mark.django_db
RESETS = [
    ("axes_reset", []),
    ("axes_reset_username", ["anne"]),
    ("axes_reset_username", ["ａｎｎｅ"]),
    ("axes_reset_ip", ["192.0.2.1"]),
    ("axes_reset_ip", ["::ffff:192.0.2.1"]),
    ("axes_reset_ip_username", ["192.0.2.1", "anne"]),
    ("axes_reset_failure_logs", ["--age=0"]),
]


@pytest.fixture
def anne() -> Operator:
    return make_operator("viewer", username="anne")


@pytest.mark.parametrize(("command", "arguments"), RESETS)
def test_a_command_lifts_a_lockout(
    command: str, arguments: list[str], anne: Operator, capsys: pytest.CaptureFixture[str]
) -> None:
    fail_to_log_in("anne", times=5)
    assert log_in("anne", PASSWORD).status_code == 429
    call_command(command, *arguments)
    assert "5 " in capsys.readouterr().out
    assert log_in("anne", PASSWORD).status_code == 200


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("axes_reset_username", ["berta"]),
        ("axes_reset_ip", ["192.0.2.2"]),
        ("axes_reset_ip_username", ["192.0.2.2", "anne"]),
        ("axes_reset_failure_logs", []),
    ],
)
def test_a_command_lifts_no_other_lockout(
    command: str, arguments: list[str], anne: Operator
) -> None:
    fail_to_log_in("anne", times=5)
    call_command(command, *arguments)
    assert log_in("anne", PASSWORD).status_code == 429


def test_a_command_lifts_the_lockout_of_an_address(anne: Operator) -> None:
    for number in range(30):
        fail_to_log_in(f"guess-{number}", times=1, address="2001:db8::1")
    assert log_in("anne", PASSWORD, address="2001:db8::2").status_code == 429
    call_command("axes_reset_ip", "2001:db8::3")
    assert log_in("anne", PASSWORD, address="2001:db8::2").status_code == 200


def test_an_address_that_is_none_is_named() -> None:
    with pytest.raises(CommandError, match=r"'192.0.2' is not an IP address\."):
        call_command("axes_reset_ip", "192.0.2")


def test_a_command_lists_the_failures_that_count(capsys: pytest.CaptureFixture[str]) -> None:
    fail_to_log_in("anne", times=2)
    fail_to_log_in("berta", times=1)
    call_command("axes_list_attempts")
    assert capsys.readouterr().out == "192.0.2.1\tanne\t2\n192.0.2.1\tberta\t1\n"


# --- Addresses ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "counted"),
    [
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::", "2001:db8:1:2::"),
        ("fe80::1%eth0", "fe80::"),
        ("::1", "::"),
        ("::ffff:192.0.2.9", "192.0.2.9"),
        ("64:ff9b::192.0.2.9", "192.0.2.9"),
        ("2002:c000:209:1::1", "192.0.2.9"),
        ("192.0.2.9:50000", "192.0.2.9"),
        ("[2001:db8:1:2::3]:50000", "2001:db8:1:2::"),
        ("[2001:db8:1:2::3]", "2001:db8:1:2::"),
        ("[::ffff:192.0.2.9]:443", "192.0.2.9"),
        ("unknown", None),
        ("192.0.2.9:80:80", None),
    ],
)
def test_an_address_is_counted_as_one(written: str, counted: str | None, settings: Any) -> None:
    settings.TRUSTED_PROXY_COUNT = 1
    log_in("anne", HTTP_X_FORWARDED_FOR=f"203.0.113.1, {written}")
    assert AccessFailureLog.objects.get().ip_address == counted


def test_a_network_is_locked_out_as_one_address(anne: Operator) -> None:
    for number in range(5):
        fail_to_log_in("anne", times=1, address=f"2001:db8::{number}")
    assert log_in("anne", PASSWORD, address="2001:db8::ffff").status_code == 429
    assert log_in("anne", PASSWORD, address="2001:db8:0:1::1").status_code == 200


# --- Names --------------------------------------------------------------------------------------


def test_all_spellings_of_a_name_are_one_account(anne: Operator) -> None:
    for name in ("anne", "ａnne", "aｎne", "anｎe", "annｅ"):
        fail_to_log_in(name, times=1)
    assert log_in("anne", PASSWORD).status_code == 429


def test_a_name_is_normalised_at_every_door(capsys: pytest.CaptureFixture[str]) -> None:
    for verb in ("Created", "Changed"):
        call_command("create_operator", username="ａｎｎｅ", role="viewer")
        printed = capsys.readouterr().out
        assert f"{verb} the operator anne (viewer)." in printed
    password = printed.rpartition("Password: ")[2].strip()
    assert Operator.objects.get().username == "anne"
    for name in ("anne", "ａnne"):
        assert log_in(name, password).status_code == 200
        desk = Client().post(reverse("admin:login"), {"username": name, "password": password})
        assert desk.status_code == 302
        signed_out = Console().post("signOut", userName=name, password=password)
        assert signed_out["code"] == "200"
        call_command("create_console_token", username=name, service="backend")


# --- The password -------------------------------------------------------------------------------


@pytest.mark.parametrize("values", [{"is_staff": False}, {"is_active": False}])
def test_the_right_password_of_others_is_a_failure_at_both_doors(values: Any) -> None:
    operator = make_operator("viewer", **values)
    for _ in range(5):
        desk = Client(REMOTE_ADDR="192.0.2.1").post(
            reverse("admin:login"), {"username": operator.username, "password": PASSWORD}
        )
        assert desk.status_code == 200
        assert "Please enter the correct" in desk.content.decode()
    assert log_in(operator.username, PASSWORD).status_code == 429


@pytest.mark.parametrize("password", ["abc", "12345678901", "password1234", "viewer-anne"])
def test_a_weak_password_from_standard_input_is_refused(
    password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin.readline", lambda: f"{password}\n", raising=False)
    with pytest.raises(CommandError, match=r"^password: .*(too|entirely)"):
        call_command("create_operator", username="viewer-anne", role="viewer", password_stdin=True)
    assert not Operator.objects.exists()
