"""Who must wait after too many failed logins, through the console API and the admin alike.

5 failures for one account and address or 30 for one address, within 15 minutes; never for an
account alone, so that nobody can lock an operator out from elsewhere. django-axes hooks it into
every login; each failure is one row without the request's parameters, which may be secrets.
"""

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
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
ADDRESS_LIMIT = 30


class LockoutHandler(AxesHandler):  # type: ignore[misc]  # axes has no types
    """Counts every failure by itself (axes' own handler keeps a sum that never ages in part)."""

    def is_locked(self, request: HttpRequest, credentials: Mapping[str, Any] | None = None) -> bool:
        return seconds_to_wait(request, username_of(request, credentials)) > 0

    def user_login_failed(
        self,
        sender: object,
        credentials: Mapping[str, Any],
        request: HttpRequest | None = None,
        **kwargs: Any,
    ) -> None:
        if request is None:
            return  # a command or a test: nobody to lock out
        if request.axes_locked_out:  # type: ignore[attr-defined]  # set by axes
            return  # no password was checked: waiting must not begin anew
        AccessFailureLog.objects.filter(attempt_time__lte=timezone.now() - WINDOW).delete()
        AccessFailureLog.objects.create(
            username=username_of(request, credentials),
            ip_address=client_address(request),
            user_agent=request.axes_user_agent,  # type: ignore[attr-defined]  # set by axes
            path_info=request.axes_path_info,  # type: ignore[attr-defined]  # set by axes
        )

    def user_logged_in(
        self, sender: object, request: HttpRequest, user: AbstractBaseUser, **kwargs: Any
    ) -> None:
        AccessFailureLog.objects.filter(
            username=user.get_username(), ip_address=client_address(request)
        ).delete()

    def get_failures(
        self, request: HttpRequest, credentials: Mapping[str, Any] | None = None
    ) -> int:
        failures = AccessFailureLog.objects.filter(
            username=username_of(request, credentials),
            ip_address=client_address(request),
            attempt_time__gt=timezone.now() - WINDOW,
        )
        return int(failures.count())


def seconds_to_wait(request: HttpRequest, username: str) -> int:
    """How long this account is locked out from this address; 0 when it is not."""
    now = timezone.now()
    failures = (
        AccessFailureLog.objects.filter(
            ip_address=client_address(request), attempt_time__gt=now - WINDOW
        )
        .order_by("-attempt_time")
        .values_list("attempt_time", flat=True)
    )
    limit: int = settings.AXES_FAILURE_LIMIT
    # Locked until the oldest of the failures that fill the limit has left the window.
    filling: list[datetime] = [
        *failures.filter(username=username)[limit - 1 : limit],
        *failures[ADDRESS_LIMIT - 1 : ADDRESS_LIMIT],
    ]
    return max(
        (math.ceil((moment + WINDOW - now).total_seconds()) for moment in filling), default=0
    )


def username_of(request: HttpRequest, credentials: Mapping[str, Any] | None = None) -> str:
    """The account that somebody tries, as far as a column holds it (AXES_USERNAME_CALLABLE)."""
    given = credentials if credentials is not None else request.POST
    return str(given.get("username") or "")[:255]


def client_address(request: HttpRequest) -> str | None:
    """Where a request comes from (AXES_CLIENT_IP_CALLABLE).

    What clients claim in X-Forwarded-For counts only as far as our own proxies wrote it:
    TRUSTED_PROXY_COUNT entries from the right.
    """
    proxies: int = settings.TRUSTED_PROXY_COUNT
    claimed = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    address = request.META.get("REMOTE_ADDR", "")
    if 0 < proxies <= len(claimed):
        address = claimed[-proxies].strip() or address
    try:
        return str(ip_address(address))
    except ValueError:  # a Unix socket has none
        return None


def locked_out(
    request: HttpRequest,
    original_response: HttpResponse | None = None,  # noqa: ARG001 - axes passes it
    credentials: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """What the admin's login answers meanwhile (AXES_LOCKOUT_CALLABLE); the API has envelopes."""
    seconds = seconds_to_wait(request, username_of(request, credentials))
    return HttpResponse(
        _("Too many failed logins. Try again in %(minutes)d minutes.")
        % {"minutes": math.ceil(seconds / 60)},
        status=429,
        content_type="text/plain; charset=utf-8",
        headers={"Retry-After": str(max(seconds, 1))},
    )
