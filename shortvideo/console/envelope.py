"""The envelope of every answer: result, requestId, message, code, data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.conf import settings
from django.http import HttpResponse

from shortvideo.errors import ErrorCode
from shortvideo.middleware import current_request_id

# Clients of the original AppServer show the message on 401 and 500, go back to their login page on
# 403, and take every other code for success.
_COMPAT_CODES = ("200", "401", "500")
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


@dataclass(frozen=True, slots=True)
class Envelope:
    """An answer. `code` is also the HTTP status, except with CONSOLE_API_COMPAT."""

    message: str = ""
    data: Mapping[str, Any] | None = None
    code: int = 200
    needs_login: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    error_code: ErrorCode | None = None  # of a refusal

    def as_response(self) -> HttpResponse:
        code = self.code_in_dialect()
        content = {
            "result": "true" if self.code == 200 else "false",
            "requestId": current_request_id(),
            "message": self.message,
            "code": code,
            "data": self.data,
        }
        word = {"X-Error-Code": self.error_code.value} if self.error_code else {}
        return HttpResponse(
            orjson.dumps(content),
            content_type="application/json",
            status=200 if settings.CONSOLE_API_COMPAT else self.code,
            headers={**_HEADERS, **word, **self.headers},
        )

    def code_in_dialect(self) -> str:
        """The documented code; with CONSOLE_API_COMPAT one that AppServer's clients understand."""
        code = str(self.code)
        if not settings.CONSOLE_API_COMPAT or code in _COMPAT_CODES or self.needs_login:
            return code
        return "500"
