"""CORS: pages of the origins in CONSOLE_CORS_ORIGINS may call the API. The default is none."""

from collections.abc import Callable
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers

from shortvideo.door import is_api

# No credentials: the API knows no cookies, and the page sends its token itself.
_PREFLIGHT: Final = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Max-Age": "600",
}
_READABLE: Final = "X-Request-Id, X-Error-Code, Retry-After, Allow"


class CorsMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        origin = request.headers.get("Origin", "")
        if _is_preflight(request) and is_api(request.path) and _is_allowed(origin):
            response = HttpResponse(status=204, headers=_PREFLIGHT)
        else:
            response = self.get_response(request)
        allow_origin(response, request.path, origin)
        return response


def allow_origin(response: HttpResponse, path: str, origin: str) -> None:
    """Let a page of the origin read this answer, if the setting names it."""
    if not (settings.CONSOLE_CORS_ORIGINS and is_api(path)):
        return
    if _is_allowed(origin):
        response["Access-Control-Allow-Origin"] = origin
        response["Access-Control-Expose-Headers"] = _READABLE
    patch_vary_headers(response, ["Origin"])


def _is_allowed(origin: str) -> bool:
    return origin in settings.CONSOLE_CORS_ORIGINS


def _is_preflight(request: HttpRequest) -> bool:
    return request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
