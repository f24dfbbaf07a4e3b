"""Logging in: by password, whatever the door."""

from django.contrib.auth import authenticate
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.http import HttpRequest

from accounts.errors import TooManyAttempts, WrongCredentials
from accounts.lockout import seconds_to_wait
from accounts.models import Operator


def check_credentials(request: HttpRequest, *, user_name: str, password: str) -> Operator:
    """Return the active staff member whose password this is; a failure counts.

    The request tells from where somebody tries. Raises WrongCredentials, which takes as long for an
    unknown name as for a wrong password, or TooManyAttempts.
    """
    operator = authenticate(request, username=user_name, password=password)
    if getattr(request, "axes_locked_out", False):
        request.axes_locked_out = False  # type: ignore[attr-defined]  # axes would replace our answer
        raise TooManyAttempts(max(seconds_to_wait(request, user_name), 1))
    if not isinstance(operator, Operator):
        raise WrongCredentials
    if not operator.is_staff:
        # Counted as well: else the count would tell that this was the password.
        user_login_failed.send(
            sender=__name__, credentials={"username": user_name}, request=request
        )
        raise WrongCredentials
    return operator


def log_in(request: HttpRequest, *, user_name: str, password: str) -> Operator:
    """Like `check_credentials`; earlier failures of this account and address are forgotten."""
    operator = check_credentials(request, user_name=user_name, password=password)
    user_logged_in.send(sender=Operator, request=request, user=operator)
    return operator
