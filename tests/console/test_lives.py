"""How long tokens and sessions live: since the last use, and since their creation."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import ConsoleToken, Operator
from accounts.sessions import SessionStore
from accounts.tokens import issue_token
from tests.factories import PASSWORD, make_operator
from tests.support.console import Console

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def works(console: Console) -> bool:
    return bool(console.get("getVideos")["code"] == "200")


def test_a_token_in_use_ends_at_its_greatest_age(console: Console, settings: Any) -> None:
    ConsoleToken.objects.update(created_at=timezone.now() - 89 * DAY)
    assert works(console)
    settings.CONSOLE_TOKEN_MAX_AGE = 88 * 86_400
    assert not works(console)
    assert ConsoleToken.objects.expired(timezone.now()).count() == 1


def test_an_unused_token_ends_before_its_greatest_age(console: Console) -> None:
    ConsoleToken.objects.update(last_used_at=timezone.now() - 30 * DAY)
    assert not works(console)


def test_a_services_token_lives_until_its_own_expiry() -> None:
    now = timezone.now()
    secret = issue_token(make_operator(), service="backend", expires_at=now + 365 * DAY)
    console = Console(token=secret)
    ConsoleToken.objects.update(created_at=now - 300 * DAY)
    assert works(console)
    ConsoleToken.objects.update(expires_at=now)
    assert not works(console)
    make = issue_token(ConsoleToken.objects.get().operator)
    assert ConsoleToken.objects.count() == 1  # the expired one is removed
    assert works(Console(token=make))


def test_the_command_gives_a_services_token_its_days(capsys: pytest.CaptureFixture[str]) -> None:
    name = make_operator().username
    call_command("create_console_token", username=name, service="backend", days=10)
    token = ConsoleToken.objects.get()
    assert token.expires_at is not None
    assert timedelta(days=9) < token.expires_at - timezone.now() <= timedelta(days=10)
    assert token.ends_at == token.expires_at
    for days in (0, 3651):
        with pytest.raises(CommandError, match="--days must be from 1 to 3650"):
            call_command("create_console_token", username=name, service="backend", days=days)


@pytest.fixture
def browser() -> Client:
    """The browser of an operator who has just logged in at the desk."""
    client = Client()
    login = {"username": make_operator().username, "password": PASSWORD}
    assert client.post(reverse("admin:login"), login).status_code == 302
    return client


def is_logged_in(browser: Client) -> bool:
    return browser.get(reverse("admin:index")).status_code == 200


def age(**changes: float) -> None:
    """Make the only session older: `idle` or `life` seconds."""
    session = Session.objects.get()
    store = SessionStore(session.session_key)
    data = store.decode(session.session_data)
    data["started_at"] -= changes.get("life", 0)
    session.session_data = store.encode(data)
    session.expire_date -= timedelta(seconds=changes.get("idle", 0))
    session.save()


def test_a_session_ends_after_idle_time(browser: Client) -> None:
    age(idle=django_settings.DESK_SESSION_TTL - 100)
    assert is_logged_in(browser)  # which begins the idle time again
    age(idle=django_settings.DESK_SESSION_TTL - 100)
    assert is_logged_in(browser)
    age(idle=django_settings.DESK_SESSION_TTL)
    assert not is_logged_in(browser)


def test_a_session_in_use_ends_at_its_greatest_age(browser: Client) -> None:
    age(life=django_settings.DESK_SESSION_MAX_AGE - 100)
    assert is_logged_in(browser)
    age(life=100)
    assert not is_logged_in(browser)


def test_a_login_begins_a_new_life(browser: Client) -> None:
    age(life=django_settings.DESK_SESSION_MAX_AGE)
    assert not is_logged_in(browser)
    login = {"username": make_operator().username, "password": PASSWORD}
    browser.post(reverse("admin:login"), login)
    assert is_logged_in(browser)


def test_a_session_from_before_an_upgrade_begins_its_life(browser: Client) -> None:
    session = Session.objects.get()
    store = SessionStore(session.session_key)
    data = store.decode(session.session_data)
    del data["started_at"]
    session.session_data = store.encode(data)
    session.expire_date = timezone.now() + 14 * DAY
    session.save()
    assert is_logged_in(browser)
    session.refresh_from_db()
    assert "started_at" in store.decode(session.session_data)
    assert session.expire_date < timezone.now() + DAY


def test_the_use_of_a_session_is_stored_once_a_minute(browser: Client) -> None:
    before = Session.objects.get().expire_date
    assert is_logged_in(browser)
    assert Session.objects.get().expire_date == before
    age(idle=61)
    assert is_logged_in(browser)
    assert Session.objects.get().expire_date >= before


def test_a_session_ends_with_the_staff_status(browser: Client) -> None:
    operator = Operator.objects.get()
    operator.is_staff = False
    operator.save()
    assert not is_logged_in(browser)
