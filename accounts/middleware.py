"""Serve the desk in the language and the time zone that its operator chose."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

from accounts.models import Operator
from shortvideo.database import is_unavailable
from shortvideo.door import DESK, unavailable


class OperatorMiddleware:
    """Overrides what Django's LocaleMiddleware chose, for the pages of a logged-in operator.

    The API knows no session: its sentences and times stay as they are documented.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(DESK):
            return self.get_response(request)
        try:
            operator = _operator(request)
        except Exception as error:
            if is_unavailable(error):
                return unavailable(request, error)
            raise
        if operator is None:
            return self.get_response(request)
        if operator.language:
            translation.activate(operator.language)
            request.LANGUAGE_CODE = translation.get_language()
        with timezone.override(operator.zone):
            return self.get_response(request)


def _operator(request: HttpRequest) -> Operator | None:
    """Who is logged in. A session key with NUL is not looked up: the page refuses it."""
    if "\0" in request.COOKIES.get(settings.SESSION_COOKIE_NAME, ""):
        return None
    return request.user if isinstance(request.user, Operator) else None
