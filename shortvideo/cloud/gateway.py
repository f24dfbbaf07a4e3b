"""Base class of the gateways, and checks of what they send."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import quote_plus

from shortvideo.cloud.client import Operation, Service
from shortvideo.cloud.reply import Reply

_MAX_QUERY_LENGTH = 32 * 1024


class Gateway:
    """Calls one product of the cloud, with or without retries."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def with_deadline(self, seconds: float) -> Self:
        """Return a gateway with another total time for each call, retries included."""
        return type(self)(self._service.with_deadline(seconds))

    def _call_with_retries(self, operation: Operation, request: Any) -> Reply:
        return self._service.call_with_retries(operation, request)

    def _call_once(self, operation: Operation, request: Any) -> Reply:
        return self._service.call_once(operation, request)


def split_for_query(texts: Iterable[str]) -> Iterator[list[str]]:
    """Yield lists of texts that each fit, percent-encoded, into a query string.

    The SDK sends parameters in the URL, and too long a URL does not arrive.
    """
    some: list[str] = []
    length = 0
    for text in texts:
        more = len(quote_plus(text))
        if some and length + more > _MAX_QUERY_LENGTH:
            yield some
            some, length = [], 0
        some.append(text)
        length += more
    if some:
        yield some


def check_count(limit: int, items: Sequence[str] | Sequence[object], what: str) -> None:
    """Raise ValueError for an empty or too long list."""
    if not 1 <= len(items) <= limit:
        raise ValueError(f"{len(items)} {what} were given; one call takes 1 to {limit}.")


def check_bytes(limit: int, text: str, what: str) -> None:
    length = len(text.encode())
    if length > limit:
        raise ValueError(f"{what} has {length} bytes of UTF-8; at most {limit} are allowed.")


def format_time(moment: datetime) -> str:
    """Format a time for VOD: whole seconds in UTC."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z"
