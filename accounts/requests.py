"""Who is behind a request of the desk."""

from django.http import HttpRequest

from accounts.models import Operator


def operator_of(request: HttpRequest) -> Operator:
    """The logged-in operator; TypeError where a view forgot to ask for one."""
    if not isinstance(request.user, Operator):
        raise TypeError("This request has no operator.")
    return request.user
