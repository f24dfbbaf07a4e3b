"""Operators at the desk: a new one, a lockout, the own password."""

import pytest
from axes.models import AccessFailureLog
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from accounts.models import Operator
from tests.admin.conftest import DeskOf
from tests.console.test_login import fail_to_log_in, log_in
from tests.factories import PASSWORD, make_operator

ADD, LIST = "accounts_operator_add", "accounts_operator_changelist"
NEW = "a fine long password"


def test_a_new_operator_needs_name_role_and_password(desk_of: DeskOf) -> None:
    desk = desk_of("administrator")
    role = Group.objects.get(name="moderator")
    data = {"username": "ａnne", "groups": role.pk, "password1": NEW, "password2": NEW}
    page = desk.client.post(reverse(f"admin:{ADD}"), data, follow=True).content.decode()
    assert "anne" in page
    assert list(Operator.objects.get(username="anne").groups.all()) == [role]
    login = {"username": "anne", "password": NEW}
    assert Client().post(reverse("admin:login"), login).status_code == 302
    assert log_in("anne", NEW).status_code == 200


@pytest.mark.parametrize("missing", ["username", "groups", "password1", "password2"])
def test_an_incomplete_operator_is_refused(missing: str, desk_of: DeskOf) -> None:
    desk = desk_of("administrator")
    role = Group.objects.get(name="moderator")
    data = {"username": "anne", "groups": role.pk, "password1": NEW, "password2": NEW}
    del data[missing]
    page = desk.client.post(reverse(f"admin:{ADD}"), data).content.decode()
    assert "This field is required." in page
    assert not Operator.objects.filter(username="anne").exists()


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("㍿" * 100, "at most 150 characters (it has 400)"),
        ("\ufdfa" * 100, "at most 150 characters (it has 1800)"),
        ("ad\u3164min", "The name has a character that shows nothing."),
        ("\u3164", "This field is required."),
    ],
    ids=["longer", "much longer", "invisible letter", "invisible"],
)
def test_a_name_is_refused_as_it_would_be_stored(desk_of: DeskOf, name: str, sentence: str) -> None:
    desk, role = desk_of("administrator"), Group.objects.get(name="moderator")
    data = {"username": name, "groups": role.pk, "password1": NEW, "password2": NEW}
    assert sentence in desk.client.post(reverse(f"admin:{ADD}"), data).content.decode()
    assert sentence in desk.edit(desk.operator, username=name).content.decode()
    with pytest.raises(CommandError, match="username: "):
        call_command("create_operator", username=name, role="viewer")
    assert Operator.objects.get() == desk.operator
    assert log_in(name, NEW).status_code == 401
    login = {"username": name, "password": NEW}
    assert "Please enter the correct username" in (
        Client().post(reverse("admin:login"), login).content.decode()
    )


@pytest.mark.parametrize(
    "name",
    ["index", ADD, "auth_group_changelist", "auth_group_add", LIST],
)
def test_the_desk_says_roles(name: str, desk_of: DeskOf) -> None:
    page = desk_of("administrator").page(name)
    assert "oles" in page or "role" in page
    assert ">Group" not in page
    assert "By groups" not in page


def test_a_lockout_is_shown_and_lifted_on_the_operators_page(desk_of: DeskOf) -> None:
    desk, anne = desk_of("administrator"), make_operator("viewer", username="anne")
    url = reverse("admin:accounts_operator_change", args=[anne.pk])
    assert "Unlock" not in desk.client.get(url).content.decode()
    fail_to_log_in("anne", times=5)
    page = desk.client.get(url).content.decode()
    assert "from 192.0.2.1 until" in page
    assert 'value="unlock"' in page
    assert "1 of 1 unlocked." in desk.do("unlock", anne)
    assert log_in("anne", PASSWORD).status_code == 200
    assert "unlock" in LogEntry.objects.get(user=desk.operator).change_message


def test_an_operator_who_is_not_locked_out_is_not_unlocked(desk_of: DeskOf) -> None:
    desk, anne = desk_of("administrator"), make_operator("viewer", username="anne")
    fail_to_log_in("anne", times=4)
    assert "It is not locked out." in desk.do("unlock", anne)
    assert AccessFailureLog.objects.count() == 4


def test_only_superusers_unlock_superusers(desk_of: DeskOf) -> None:
    boss = make_operator("", username="boss", is_superuser=True)
    fail_to_log_in("boss", times=5)
    assert "Only superusers" in desk_of("administrator").do("unlock", boss)
    assert AccessFailureLog.objects.count() == 5
    assert "1 of 1" in desk_of("", is_superuser=True).do("unlock", boss)


def test_a_viewer_unlocks_nobody(desk_of: DeskOf) -> None:
    desk, anne = desk_of("viewer"), make_operator("viewer", username="anne")
    fail_to_log_in("anne", times=5)
    assert desk.choose("unlock", anne, confirmed="1").status_code == 403
    assert AccessFailureLog.objects.count() == 5


def change_password(client: Client, old: str) -> int:
    data = {"old_password": old, "new_password1": NEW, "new_password2": NEW}
    return client.post(reverse("admin:password_change"), data, REMOTE_ADDR="192.0.2.1").status_code


def test_a_wrong_old_password_is_a_failed_login(desk_of: DeskOf) -> None:
    desk = desk_of("viewer")
    for _ in range(5):
        assert change_password(desk.client, "wrong") == 200
    assert change_password(desk.client, PASSWORD) == 429
    desk.operator.refresh_from_db()
    assert desk.operator.check_password(PASSWORD)
    assert log_in(desk.operator.username, PASSWORD).status_code == 429


def test_the_right_old_password_changes_the_password(desk_of: DeskOf) -> None:
    desk = desk_of("viewer")
    assert change_password(desk.client, "wrong") == 200
    assert change_password(desk.client, PASSWORD) == 302
    desk.operator.refresh_from_db()
    assert desk.operator.check_password(NEW)
    assert desk.status("index") == 200
