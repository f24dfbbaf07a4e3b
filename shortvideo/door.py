"""What is refused before a view runs, and how an error outside of the console's views is answered.

The API (`_API`) answers envelopes, VOD's callbacks get plain text, the desk gets pages.
"""

import logging
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views import defaults

from shortvideo.console.envelope import Envelope
from shortvideo.console.errors import RETRY_AFTER, envelope_of
from shortvideo.database import describe, is_unavailable
from shortvideo.errors import ErrorCode
from shortvideo.utf8 import FORMS, broken_in_form, broken_in_query

UNREADABLE: Final = "shortvideo.unreadable"  # the key of a Problem in the environ of WSGI

_API: Final = ("/console/", "/vodVideo/")
_ERROR_CODES: Final = {
    400: ErrorCode.MALFORMED_REQUEST,
    411: ErrorCode.LENGTH_REQUIRED,
    413: ErrorCode.BODY_TOO_LONG,
    414: ErrorCode.URL_TOO_LONG,
    415: ErrorCode.ENCODED_BODY,
    431: ErrorCode.HEADERS_TOO_LONG,
    500: ErrorCode.DEFECT,
    501: ErrorCode.ENCODED_BODY,
}
DESK: Final = "/admin/"

logger = logging.getLogger(__name__)


class Problem(Exception):
    """Why a request cannot be read. The text is one sentence for the client."""

    def __init__(self, code: int, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class DoorMiddleware:
    """Refuses requests that cannot be read, and answers 503 while the database is unavailable."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        problem = request.META.get(UNREADABLE) or _encoded_body(request) or _broken_text(request)
        if problem is not None:
            return answer(request.path, problem.code, str(problem))
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return unavailable(request, error) if is_unavailable(error) else None


def answer(
    path: str, code: int, sentence: str, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """Return a refusal in the dialect of the path."""
    if is_api(path):
        error_code = _ERROR_CODES[code]
        code = 400 if code == 413 else code  # the API has no 413
        return Envelope(
            sentence, code=code, headers=headers or {}, error_code=error_code
        ).as_response()
    return HttpResponse(
        f"{sentence}\n", status=code, content_type="text/plain; charset=utf-8", headers=headers
    )


def is_api(path: str) -> bool:
    return f"{path}/".startswith(_API)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400: a host that is not allowed, a form that is too large."""
    if is_api(request.path):
        return answer(request.path, 400, "The request is malformed, or its Host is not served.")
    return defaults.bad_request(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500: an error of a middleware; those of views come through above."""
    error = sys.exc_info()[1]
    if isinstance(error, Exception) and (is_unavailable(error) or is_api(request.path)):
        return unavailable(request, error)
    return defaults.server_error(request)


def _encoded_body(request: HttpRequest) -> Problem | None:
    """A compressed body, for example: it would be read as garbage."""
    coding = request.headers.get("Content-Encoding", "").strip().lower()
    if coding in ("", "identity") or request.META.get("CONTENT_LENGTH") in (None, "", "0"):
        return None
    return Problem(415, "The body is encoded: send it without Content-Encoding.")


def _broken_text(request: HttpRequest) -> Problem | None:
    """A parameter at the desk that is not UTF-8. The API's parser and callbacks see to theirs."""
    if not request.path.startswith(DESK):
        return None
    name = broken_in_query(request)
    if name is None and request.method == "POST" and request.content_type in FORMS:
        with suppress(UnreadablePostError):  # the client has gone
            name = broken_in_form(request)
    if name is None:
        return None
    return Problem(400, _("The field %s is not well-formed UTF-8. Nothing was changed.") % name)


def unavailable(request: HttpRequest, error: Exception) -> HttpResponse:
    """The answer while the database cannot be used; for the API, to any error."""
    if is_api(request.path):
        return envelope_of(error).as_response()
    logger.warning("database unavailable", extra={"cause": describe(error)})
    if not request.path.startswith(DESK):
        return answer(request.path, 503, "The database cannot be used now.", RETRY_AFTER)
    # Without the request: its context processors read the operator from the database.
    context = {"title": _("The database cannot be used now"), "retry": request.method == "GET"}
    page = render_to_string("admin/unavailable.html", context)
    return HttpResponse(page, status=503, headers={**RETRY_AFTER, "Cache-Control": "no-store"})
