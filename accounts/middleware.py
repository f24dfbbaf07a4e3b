"""Serve the desk in the language and the time zone that its operator chose."""

from collections.abc import Callable

from django.contrib.admin import site
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

from accounts.services import operator_of
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
            is_operator = site.has_permission(request)  # reads the session
        except Exception as error:
            if is_unavailable(error):
                return unavailable(request, error)
            raise
        if not is_operator:
            return self.get_response(request)
        operator = operator_of(request)
        if operator.language:
            translation.activate(operator.language)
            request.LANGUAGE_CODE = translation.get_language()
        with timezone.override(operator.zone):
            return self.get_response(request)
