"""The parameters of a request, merged from query string and body, and its token."""

import codecs
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, Self

from django.conf import settings
from django.core.exceptions import (
    BadRequest,
    RequestDataTooBig,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.http import HttpRequest, QueryDict
from django.http.multipartparser import MultiPartParserError
from django.http.request import UnreadablePostError

from shortvideo.console.errors import Unreadable
from shortvideo.errors import ErrorCode
from shortvideo.utf8 import FORMS, broken_in_form, broken_in_query

_TOKEN = "consoletoken"  # noqa: S105 - a parameter's name, compared without regard to case


@dataclass(frozen=True, slots=True)
class ParsedRequest:
    """Parameters before validation: text, or lists, objects and files, which operations refuse.

    `problem` says why the query string or the body is unreadable; its parameters are missing here.
    """

    parameters: Mapping[str, Any]
    token: str = ""
    problem: Unreadable | None = None

    @classmethod
    def of(cls, request: HttpRequest) -> Self:
        """Merge query string and body. The body wins unless its value is null or empty text.

        A GET with a body is unreadable: Django reads no form of it, and proxies may drop it.
        """
        query_string: dict[str, str] = {}
        body: dict[str, Any] = {}
        problem = None
        try:
            if request.method != "GET":
                body = _read_body(request)
            elif _content_length(request):
                raise Unreadable("The body of a GET is not read: send a POST.", may_hold_token=True)
        except Unreadable as error:
            problem = error
        try:
            query_string = _read_query_string(request)
        except Unreadable as error:
            problem = error
        filled = {name: value for name, value in body.items() if value not in (None, "")}
        parameters = {**{n: v for n, v in body.items() if v is not None}, **query_string, **filled}
        token = _bearer_token(request) or _token_in(body) or _token_in(query_string)
        return cls(parameters=parameters, token=token, problem=problem)


def _bearer_token(request: HttpRequest) -> str:
    scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _token_in(parameters: Mapping[str, Any]) -> str:
    tokens = [
        value
        for name, value in parameters.items()
        if name.lower() == _TOKEN and isinstance(value, str) and value and _is_unicode(value)
    ]
    return tokens[_winner()] if tokens else ""


def _winner() -> int:
    """Which of several values counts: the last; with CONSOLE_API_COMPAT AppServer's, the first."""
    return 0 if settings.CONSOLE_API_COMPAT else -1


def _is_unicode(text: str) -> bool:
    """False for half a surrogate pair, which JSON can spell and no database can store."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _read_query_string(request: HttpRequest) -> dict[str, str]:
    """Return the parameters of the query string. Raises Unreadable."""
    try:
        query = request.GET
    except TooManyFieldsSent as error:
        limit = settings.DATA_UPLOAD_MAX_NUMBER_FIELDS
        raise Unreadable(
            f"The query has more than {limit} parameters.",
            may_hold_token=True,
            error_code=ErrorCode.UNREADABLE_QUERY,
        ) from error
    if (name := broken_in_query(request)) is not None:
        raise _not_utf8("query", name, ErrorCode.UNREADABLE_QUERY)
    return _single_values(query)


def _not_utf8(place: str, name: str, error_code: ErrorCode) -> Unreadable:
    sentence = f"The {place} is not well-formed UTF-8, in the parameter {name}."
    return Unreadable(sentence, may_hold_token=True, error_code=error_code)


def _single_values(values: QueryDict) -> dict[str, str]:
    return {name: several[_winner()] for name, several in values.lists()}


def _read_body(request: HttpRequest) -> dict[str, Any]:
    """Return the parameters of the body. Raises Unreadable."""
    content_type = request.content_type or ""
    if not content_type and not _content_length(request):
        return {}
    if content_type not in (*FORMS, "application/json"):
        raise Unreadable(
            f"The body's type must be {', '.join(FORMS)} or application/json.",
            may_hold_token=False,
        )
    _refuse_oversized(request)
    if _is_utf8(request.encoding):
        request.encoding = "utf-8"  # Django reads a form under this spelling only
    try:
        if content_type in FORMS:
            if (name := broken_in_form(request)) is not None:
                raise _not_utf8("body", name, ErrorCode.UNREADABLE_BODY)
            return {**_single_values(request.POST), **request.FILES.dict()}
        return _json_object(request.body)
    except RequestDataTooBig as error:
        raise _too_large() from error
    except (TooManyFieldsSent, TooManyFilesSent) as error:
        raise Unreadable("The body has too many fields.", may_hold_token=True) from error
    except (MultiPartParserError, BadRequest, UnreadablePostError) as error:
        raise Unreadable(
            "The body is not a well-formed form in UTF-8.", may_hold_token=True
        ) from error


def _is_utf8(encoding: str | None) -> bool:
    """Whether this names UTF-8, for example `UTF8`. Django keeps known encodings only."""
    return encoding is not None and codecs.lookup(encoding).name == "utf-8"


def _content_length(request: HttpRequest) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0


def _refuse_oversized(request: HttpRequest) -> None:
    """Check the length before reading: Django's own limit does not count files."""
    if _content_length(request) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        raise _too_large()


def _too_large() -> Unreadable:
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    return Unreadable(
        f"The body is longer than {limit} bytes.",
        may_hold_token=True,
        error_code=ErrorCode.BODY_TOO_LONG,
    )


def _json_object(body: bytes) -> dict[str, Any]:
    """Parse a JSON object. Numbers stay text; an empty body is an empty object."""
    if not body:
        return {}
    try:
        content = json.loads(
            body.decode("utf-8-sig"),
            parse_int=str,
            parse_float=str,
            parse_constant=_refuse_constant,
            object_pairs_hook=_single_pairs,
        )
    except (ValueError, RecursionError) as error:
        raise Unreadable("The body is not well-formed JSON.", may_hold_token=True) from error
    if not isinstance(content, dict):
        raise Unreadable("The JSON body must be an object.", may_hold_token=True)
    return {name: _as_text(value) for name, value in content.items()}


def _single_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    several: dict[str, list[Any]] = {}
    for name, value in pairs:
        several.setdefault(name, []).append(value)
    return {name: values[_winner()] for name, values in several.items()}


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON.")


def _as_text(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value
