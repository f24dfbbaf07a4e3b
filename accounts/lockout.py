"""Lockout after failed logins, through the console API and the desk alike.

Within 15 minutes 5 failures lock an account out from one address, 30 failures lock the address out.
Failures never lock an account out from all addresses: anyone could cause them.

django-axes calls this handler at every login. Its own handler cannot keep these promises: it has
one limit, not two; it forgets failures only together, 15 minutes after the last, so that a failure
every 14 minutes locks an account out; a login deletes all failures of the address; and it stores
the request's parameters, which may be secrets.

An account is counted by its normalised name, an IPv6 address by its /64 network: one customer
has all addresses of it.
"""

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from ipaddress import IPv6Network, ip_address
from typing import Any

from axes.handlers.base import AxesHandler
from axes.models import AccessFailureLog
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.core.management import CommandError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import journal
from accounts.models import Operator
from shortvideo.addresses import embedded_ipv4

WINDOW = timedelta(minutes=15)
_ACCOUNT_LIMIT = 5  # failures of one account from one address
_ADDRESS_LIMIT = 30
_NAME_LENGTH = 255  # of the column


class LockoutHandler(AxesHandler):  # type: ignore[misc]  # axes has no types
    """Stores one row for each failed login (AXES_HANDLER)."""

    def is_locked(self, request: HttpRequest, credentials: Mapping[str, Any]) -> bool:
        return seconds_to_wait(request, credentials) > 0

    def user_login_failed(
        self,
        sender: object,
        credentials: Mapping[str, Any],
        request: Any = None,  # an HttpRequest with attributes of axes
        **kwargs: Any,
    ) -> None:
        if request is None:
            return  # a command or a test
        request.axes_credentials = credentials  # for locked_out()
        if request.axes_locked_out:
            return  # the password was not checked; the lockout must not begin again
        AccessFailureLog.objects.filter(attempt_time__lte=timezone.now() - WINDOW).delete()
        AccessFailureLog.objects.create(
            username=_stored_name(credentials),
            ip_address=request.axes_ip_address,
            user_agent=request.axes_user_agent,
            path_info=request.axes_path_info,
        )

    def user_logged_in(
        self, sender: object, request: HttpRequest, user: AbstractBaseUser, **kwargs: Any
    ) -> None:
        _failures_of(user.get_username()).filter(ip_address=client_address(request)).delete()

    def reset_attempts(
        self, *, ip_address: str | None = None, username: str | None = None, **kwargs: Any
    ) -> int:
        """Delete failures for the commands `axes_reset*`. Returns their number."""
        failures = AccessFailureLog.objects.all() if username is None else _failures_of(username)
        if ip_address is not None:
            counted = _counted_address(ip_address)
            if counted is None:
                raise CommandError(f"{ip_address!r} is not an IP address.")
            failures = failures.filter(ip_address=counted)
        count: int = failures.delete()[0]
        return count

    def reset_failure_logs(self, *, age_days: int) -> int:
        """Delete failures older than `age_days` for `axes_reset_failure_logs`."""
        oldest = timezone.now() - timedelta(days=age_days)
        count: int = AccessFailureLog.objects.filter(attempt_time__lt=oldest).delete()[0]
        return count


def seconds_to_wait(request: HttpRequest, credentials: Mapping[str, Any]) -> int:
    """Seconds until the account may log in from the request's address; 0 if it may now.

    A lockout ends when fewer failures than its limit are younger than 15 minutes.
    """
    now = timezone.now()
    times = (
        recent_failures(now)
        .filter(ip_address=client_address(request))
        .order_by("-attempt_time")
        .values_list("attempt_time", flat=True)
    )
    of_account = times.filter(username=_stored_name(credentials))
    limiting = [
        *of_account[_ACCOUNT_LIMIT - 1 : _ACCOUNT_LIMIT],
        *times[_ADDRESS_LIMIT - 1 : _ADDRESS_LIMIT],
    ]
    return max((math.ceil((time + WINDOW - now).total_seconds()) for time in limiting), default=0)


def recent_failures(now: datetime) -> Any:  # a query set; axes has no types
    """The failures that count."""
    return AccessFailureLog.objects.filter(attempt_time__gt=now - WINDOW)


def lockouts_of(operator: Operator, now: datetime) -> dict[str | None, datetime]:
    """The addresses from which the account is locked out, each with the end of the lockout."""
    times: dict[str | None, list[datetime]] = {}
    for failure in (
        recent_failures(now).filter(username=operator.username).order_by("-attempt_time")
    ):
        times.setdefault(failure.ip_address, []).append(failure.attempt_time)
    return {
        address: failed_at[_ACCOUNT_LIMIT - 1] + WINDOW
        for address, failed_at in times.items()
        if len(failed_at) >= _ACCOUNT_LIMIT
    }


@transaction.atomic
def unlock_operator(target: Operator, *, operator: Operator, request_id: str = "") -> None:
    """Delete the account's failures from every address; `operator` is who unlocks it."""
    journal.log_action(operator, target, "unlock", request_id=request_id)
    _failures_of(target.username).delete()


def _failures_of(user_name: str) -> Any:  # a query set; axes has no types
    return AccessFailureLog.objects.filter(username=_stored_name({"username": user_name}))


def _stored_name(credentials: Mapping[str, Any]) -> str:
    """The normalised user name, cut to the length of the column."""
    name = str(credentials.get("username") or "")[:_NAME_LENGTH]
    return Operator.normalize_username(name)[:_NAME_LENGTH]


def client_address(request: HttpRequest) -> str | None:
    """The address of the client as it is counted (AXES_CLIENT_IP_CALLABLE).

    None for a Unix socket. Clients can write anything into X-Forwarded-For. Our own proxies wrote
    only the last TRUSTED_PROXY_COUNT entries, and the first of these is the client.
    """
    proxies: int = settings.TRUSTED_PROXY_COUNT
    entries = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    address = request.META.get("REMOTE_ADDR", "")
    if 0 < proxies <= len(entries):
        address = entries[-proxies].strip() or address
    return _counted_address(address)


def _counted_address(text: str) -> str | None:
    """The IPv4 address, or the first address of the /64 network; None for other text.

    Some proxies add the port: `192.0.2.1:50000`, `[2001:db8::1]:50000`.
    """
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if embedded := embedded_ipv4(address):
        address = embedded[-1]
    if address.version == 4:
        return str(address)
    return str(IPv6Network((address.packed, 64), strict=False).network_address)


def locked_out(
    request: HttpRequest,
    original_response: HttpResponse | None,  # noqa: ARG001 - axes passes it
    credentials: Mapping[str, Any],
) -> HttpResponse:
    """The answer of the desk's login during a lockout (AXES_LOCKOUT_CALLABLE)."""
    seconds = max(seconds_to_wait(request, credentials), 1)
    text = _("Too many failed logins. Try again in %(minutes)d minutes.")
    sentence = text % {"minutes": math.ceil(seconds / 60)}
    page = render_to_string("admin/locked_out.html", {"sentence": sentence}, request)
    return HttpResponse(page, status=429, headers={"Retry-After": str(seconds)})
