"""Middleware that only pages need: requests of programs pass it by, which makes them cheaper.

The API and VOD's callbacks know no session, message or language, and serve no files.
"""

from typing import Any, Final

from csp import middleware as csp
from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.http import HttpRequest
from django.middleware import locale
from whitenoise import middleware as whitenoise  # type: ignore[import-untyped]

# Not all of /console/: the documentation of the API is a page.
_OF_PROGRAMS: Final = ("/console/vod/", "/console/user/", "/vodVideo/", "/vodcallback/")


class _OfPages:
    """A base in front of Django's class, whose `__call__` has the hooks for request and answer."""

    get_response: Any

    def __call__(self, request: HttpRequest) -> Any:
        if request.path.startswith(_OF_PROGRAMS):
            return self.get_response(request)
        return super().__call__(request)  # type: ignore[misc]  # of the middleware behind


class CSPMiddleware(_OfPages, csp.CSPMiddleware):
    pass


class WhiteNoiseMiddleware(_OfPages, whitenoise.WhiteNoiseMiddleware):  # type: ignore[misc]
    pass


class SessionMiddleware(_OfPages, sessions.SessionMiddleware):
    pass


class LocaleMiddleware(_OfPages, locale.LocaleMiddleware):
    pass


class AuthenticationMiddleware(_OfPages, auth.AuthenticationMiddleware):
    pass


class MessageMiddleware(_OfPages, messages.MessageMiddleware):
    pass
