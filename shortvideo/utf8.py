"""Parameters that are not UTF-8.

Django replaces such bytes by U+FFFD, or takes all of a form for Latin-1: what it stores is not what
was sent. A U+FFFD that was sent in UTF-8 is text like any other.
"""

import re
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from django.core.handlers.wsgi import get_bytes_from_wsgi
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParser

from shortvideo.unread import refuse_other_syntax, refuse_unread_parts

FORMS: Final = ("application/x-www-form-urlencoded", "multipart/form-data")
_NAME_LENGTH: Final = 64  # of a name in a sentence
_DISPOSITION: Final = re.compile(rb"^content-disposition:[^\r\n]*", re.IGNORECASE | re.MULTILINE)


def broken_in_query(request: HttpRequest) -> str | None:
    """The name of the first parameter of the query that is not UTF-8; None if there is none."""
    return _first_broken(_pairs(get_bytes_from_wsgi(request.META, "QUERY_STRING", "")))


def broken_in_form(request: HttpRequest) -> str | None:
    """The name of the first field of a form that is not UTF-8; None if there is none.

    Reads the body. Raises what Django raises for a form that it cannot read, also where Django
    would read it only in part.
    """
    is_multipart = request.content_type == FORMS[1]
    body = request.body
    broken = _first_broken(_parts(request.META, body) if is_multipart else _pairs(body))
    if broken is None and is_multipart:
        refuse_unread_parts(request)
    elif broken is None:
        refuse_other_syntax(body)
    return broken


def _first_broken(fields: Iterator[tuple[bytes, bytes]]) -> str | None:
    for name, content in fields:
        try:
            content.decode()
        except UnicodeDecodeError:
            return name.decode(errors="backslashreplace")[:_NAME_LENGTH]
    return None


def _pairs(encoded: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Names of a query, each with its bytes as they are and decoded: Django decodes them apart."""
    for pair in encoded.split(b"&"):
        name = unquote_to_bytes(pair.partition(b"=")[0])
        yield name, pair
        yield name, unquote_to_bytes(pair)


def _parts(meta: Mapping[str, Any], body: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Names of the parts of a multipart form, each with its header or its value."""
    for header in _DISPOSITION.findall(body):  # Django drops a part with a broken one
        yield header.partition(b"name=")[2], header
    # Latin-1 has every byte, so nothing is replaced.
    fields, _files = MultiPartParser(meta, BytesIO(body), [], "latin-1").parse()
    for name, values in fields.lists():
        for value in values:
            yield name.encode("latin-1"), value.encode("latin-1")
