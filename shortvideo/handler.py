"""Django's handler of WSGI requests, after a check of what Django cannot read.

Django answers a bare 500 where it cannot read the content type, and takes a body without
Content-Length for an empty one.
"""

import codecs
import re
import time
from collections.abc import Iterator
from io import BytesIO
from typing import Any, Final

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http.response import HttpResponseBase

from shortvideo.door import UNREADABLE, Problem
from shortvideo.fair_sqlite.base import work_began
from shortvideo.utf8 import FORMS

Environ = dict[str, Any]

RECEIVED_AT: Final = "shortvideo.received_at"  # the key of time.monotonic() in the environ of WSGI

_CHUNK_BYTES: Final = 65_536
_REFUSED_CODING: Final = re.compile(r";\s*q=0(\.0*)?\s*$", re.IGNORECASE)
_CHARSET: Final = re.compile(r'; *charset="?([^";]*)', re.IGNORECASE)


class Handler(WSGIHandler):
    def __call__(self, environ: Environ, start_response: Any) -> HttpResponseBase:
        _drop_refused_codings(environ)
        try:
            _check_content_type(environ)
            _measure_body(environ)
        except Problem as problem:
            # The middleware answers: by then the request has an id. It reads neither of both.
            environ[UNREADABLE] = problem
            environ.update({"CONTENT_TYPE": "", "CONTENT_LENGTH": ""})
        token = work_began.set(environ.get(RECEIVED_AT, time.monotonic()))
        try:
            return super().__call__(environ, start_response)
        finally:
            work_began.reset(token)


def _drop_refused_codings(environ: Environ) -> None:
    """Django and WhiteNoise take `Accept-Encoding: gzip;q=0` for a wish."""
    codings = environ.get("HTTP_ACCEPT_ENCODING", "").split(",")
    accepted = (coding for coding in codings if not _REFUSED_CODING.search(coding))
    environ["HTTP_ACCEPT_ENCODING"] = ",".join(accepted)


def _check_content_type(environ: Environ) -> None:
    """Raise Problem where Django fails, for example with `a/b; charset*=BOGUS''x`."""
    content_type = environ.get("CONTENT_TYPE")
    if not content_type:
        return
    probe = {"REQUEST_METHOD": "GET", "CONTENT_TYPE": content_type, "QUERY_STRING": "a=%FF"}
    charset = _CHARSET.search(content_type)
    if charset is not None and content_type.lower().startswith(FORMS):
        environ["CONTENT_TYPE"] = _as_utf8(content_type, charset)
    try:
        # The charset decodes the query too: `a=%FF` fails with a charset that is not of text.
        _ = WSGIRequest({**probe, "wsgi.input": BytesIO()}).GET
    except Exception as error:  # LookupError, ValueError, or what a codec raises
        raise Problem(400, "The header Content-Type is malformed.") from error


def _as_utf8(content_type: str, charset: re.Match[str]) -> str:
    """The type of a form with the name of UTF-8 that Django takes. Raises Problem for others."""
    try:
        is_utf8 = codecs.lookup(charset[1]).name == "utf-8"
    except (LookupError, ValueError):
        is_utf8 = False
    if not is_utf8:
        raise Problem(
            400, "A form must be in UTF-8: the header Content-Type names another charset."
        )
    return f"{content_type[: charset.start(1)]}utf-8{content_type[charset.end(1) :]}"


def _measure_body(environ: Environ) -> None:
    """Read a body of unknown length into memory. Raises Problem if the server cannot tell its end.

    A type without a length announces a body that HTTP ends before its first byte.
    Stops one byte past our limit: the reader then refuses the body as too long.
    """
    length = environ.get("CONTENT_LENGTH") or ""
    coding = environ.get("HTTP_TRANSFER_ENCODING", "").strip().lower()
    if coding not in ("", "chunked"):
        raise Problem(415, "The body is encoded: send it without Transfer-Encoding.")
    if length and not coding:
        if not (length.isascii() and length.isdigit()):
            raise Problem(400, "The header Content-Length must be a number.")
        return
    is_typed_post = environ["REQUEST_METHOD"] == "POST" and bool(environ.get("CONTENT_TYPE"))
    # HTTP/1.0 has no chunks: what the server passed is not the body.
    if environ.get("wsgi.input_terminated") and environ.get("SERVER_PROTOCOL") != "HTTP/1.0":
        body = b"".join(_chunks(environ["wsgi.input"], settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1))
        environ.update({"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))})
        is_missing = not body and not coding and is_typed_post
    else:
        is_missing = bool(coding) or is_typed_post
    if is_missing:
        raise Problem(411, "This server cannot read a body of unknown length: send Content-Length.")


def _chunks(stream: Any, limit: int) -> Iterator[bytes]:
    while limit > 0 and (chunk := stream.read(min(limit, _CHUNK_BYTES))):
        limit -= len(chunk)
        yield chunk
