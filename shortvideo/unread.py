"""Forms that Django reads only in part, without an error.

A decision would be made from the query although the body says otherwise.
"""

import re
from typing import Final
from urllib.parse import unquote_to_bytes

from django.core.exceptions import BadRequest
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParserError

# Between two boundaries: lines of headers, an empty line, the value.
_PART: Final = re.compile(rb"[ \t]*\r\n((?:[^\r\n]+\r\n)+)\r\n.*\r\n", re.DOTALL)
_END: Final = re.compile(rb"--[ \t]*(?:\r\n)?")
_DISPOSITION: Final = re.compile(rb"^content-disposition:", re.IGNORECASE | re.MULTILINE)
# JSON, XML and multipart forms have these in what Django takes for a name.
_NOT_IN_NAMES: Final = re.compile(rb'[\x00-\x1f"<{]')


def refuse_unread_parts(request: HttpRequest) -> None:
    """Raise MultiPartParserError for a multipart form with bytes that belong to no field.

    A form without any part is read in full.
    """
    body = request.body
    if not body:
        return
    # As Django does: a boundary counts within a line too.
    start, *pieces = body.split(b"--" + (request.content_params or {})["boundary"].encode())
    if start or not pieces or not _END.fullmatch(pieces.pop()):
        raise MultiPartParserError("There are bytes outside of the parts.")
    parts = [_PART.fullmatch(piece) for piece in pieces]
    sound = [part for part in parts if part and len(_DISPOSITION.findall(part[1])) == 1]
    read = sum(len(form.getlist(name)) for form in (request.POST, request.FILES) for name in form)
    if not len(parts) == len(sound) == read:
        raise MultiPartParserError("A part has broken headers, no name or two.")


def refuse_other_syntax(form: bytes) -> None:
    """Raise BadRequest for JSON, XML or a multipart form under the type of a simple form."""
    for pair in form.split(b"&"):
        if _NOT_IN_NAMES.search(unquote_to_bytes(pair.partition(b"=")[0])):
            raise BadRequest("The body is not of the type that its header names.")
