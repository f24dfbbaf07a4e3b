"""Give every request an id and log one line for it."""

import time
import uuid
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

logger = structlog.get_logger(__name__)


class RequestIdMiddleware:
    """Set a new id in `request.request_id`, the `X-Request-Id` header and all log lines.

    Logs only the path: query strings hold console tokens.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = str(uuid.uuid4())
        request.request_id = request_id  # type: ignore[attr-defined]  # our own attribute
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            started = time.perf_counter()
            response = self.get_response(request)
            response["X-Request-Id"] = request_id
            logger.info(
                "request",
                method=request.method,
                path=request.path,
                status=response.status_code,
                milliseconds=round((time.perf_counter() - started) * 1000, 1),
            )
        return response


def current_request_id() -> str:
    """Return the id of the current request; '' outside of a request."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))
