"""Lockout after failed logins, through the console API and the desk alike.

Within 15 minutes 5 failures lock an account out from one address, 30 failures lock the address out.
Failures never lock an account out from all addresses: anyone could cause them.

django-axes calls this handler at every login. Its own handler cannot keep these promises: it has
one limit, not two; it forgets failures only together, 15 minutes after the last, so that a failure
every 14 minutes locks an account out; a login deletes all failures of the address; and it stores
the request's parameters, which may be secrets.
"""

import math
from collections.abc import Mapping
from datetime import timedelta
from ipaddress import ip_address
from typing import Any

from axes.handlers.base import AxesHandler
from axes.models import AccessFailureLog
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

WINDOW = timedelta(minutes=15)
_ACCOUNT_LIMIT = 5  # failures of one account from one address
_ADDRESS_LIMIT = 30


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
        AccessFailureLog.objects.filter(
            username=user.get_username(), ip_address=client_address(request)
        ).delete()


def seconds_to_wait(request: HttpRequest, credentials: Mapping[str, Any]) -> int:
    """Seconds until the account may log in from the request's address; 0 if it may now.

    A lockout ends when fewer failures than its limit are younger than 15 minutes.
    """
    now = timezone.now()
    times = (
        AccessFailureLog.objects.filter(
            ip_address=client_address(request), attempt_time__gt=now - WINDOW
        )
        .order_by("-attempt_time")
        .values_list("attempt_time", flat=True)
    )
    of_account = times.filter(username=_stored_name(credentials))
    limiting = [
        *of_account[_ACCOUNT_LIMIT - 1 : _ACCOUNT_LIMIT],
        *times[_ADDRESS_LIMIT - 1 : _ADDRESS_LIMIT],
    ]
    return max((math.ceil((time + WINDOW - now).total_seconds()) for time in limiting), default=0)


def _stored_name(credentials: Mapping[str, Any]) -> str:
    """The user name, cut to the length of the column."""
    return str(credentials.get("username") or "")[:255]


def client_address(request: HttpRequest) -> str | None:
    """The address of the client (AXES_CLIENT_IP_CALLABLE); None for a Unix socket.

    Clients can write anything into X-Forwarded-For. Our own proxies wrote only the last
    TRUSTED_PROXY_COUNT entries, and the first of these is the client.
    """
    proxies: int = settings.TRUSTED_PROXY_COUNT
    entries = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    address = request.META.get("REMOTE_ADDR", "")
    if 0 < proxies <= len(entries):
        address = entries[-proxies].strip() or address
    try:
        return str(ip_address(address))
    except ValueError:
        return None


def locked_out(
    request: HttpRequest,
    original_response: HttpResponse | None,  # noqa: ARG001 - axes passes it
    credentials: Mapping[str, Any],
) -> HttpResponse:
    """The answer of the desk's login during a lockout (AXES_LOCKOUT_CALLABLE)."""
    seconds = max(seconds_to_wait(request, credentials), 1)
    return HttpResponse(
        _("Too many failed logins. Try again in %(minutes)d minutes.")
        % {"minutes": math.ceil(seconds / 60)},
        status=429,
        content_type="text/plain; charset=utf-8",
        headers={"Retry-After": str(seconds)},
    )
