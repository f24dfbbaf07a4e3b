"""Logging in by password, and the operator behind a request."""

from django.contrib.auth import authenticate
from django.contrib.auth.signals import user_logged_in
from django.http import HttpRequest

from accounts.errors import TooManyAttempts, WrongCredentials
from accounts.lockout import seconds_to_wait
from accounts.models import Operator


def check_credentials(request: HttpRequest, *, user_name: str, password: str) -> Operator:
    """Return the active staff member with this name and password.

    Raises WrongCredentials, which counts as a failed login of the request's address, or
    TooManyAttempts. An unknown name takes as long as a wrong password.
    """
    credentials = {"username": user_name}
    operator = authenticate(request, **credentials, password=password)
    if getattr(request, "axes_locked_out", False):
        request.axes_locked_out = False  # type: ignore[attr-defined]  # else axes replaces our answer
        raise TooManyAttempts(max(seconds_to_wait(request, credentials), 1))
    if not isinstance(operator, Operator):
        raise WrongCredentials
    return operator


def log_in(request: HttpRequest, *, user_name: str, password: str) -> Operator:
    """Like `check_credentials`; also deletes the failures of this account and address."""
    operator = check_credentials(request, user_name=user_name, password=password)
    user_logged_in.send(sender=Operator, request=request, user=operator)
    return operator


def close_guide(operator: Operator) -> None:
    """Show the operator no more guide on the first page."""
    Operator.objects.filter(pk=operator.pk).update(is_guide_closed=True)


def operator_of(request: HttpRequest) -> Operator:
    """Return the logged-in operator. Raises TypeError if the view does not require a login."""
    if not isinstance(request.user, Operator):
        raise TypeError("This request has no operator.")
    return request.user
