"""What the parts of the VOD gateway stand on."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import quote_plus

from shortvideo.cloud.client import Operation, Service
from shortvideo.cloud.reply import Reply

MAX_QUERY_LENGTH = 32 * 1024


class Gateway:
    """Calls to one product, by the rule whether they may be repeated."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def with_deadline(self, seconds: float) -> Self:
        """Return this gateway with another total time for each call, retries included."""
        return type(self)(self._service.with_deadline(seconds))

    def _repeatable(self, operation: Operation, request: Any) -> Reply:
        return self._service.repeatable(operation, request)

    def _once(self, operation: Operation, request: Any) -> Reply:
        return self._service.once(operation, request)


def portions(texts: Iterable[str]) -> Iterator[list[str]]:
    """Share texts out so that each portion, percent-encoded, fits into a query string.

    The SDK sends parameters in the URL, and a URL that is too long never arrives.
    """
    portion: list[str] = []
    length = 0
    for text in texts:
        more = len(quote_plus(text))
        if portion and length + more > MAX_QUERY_LENGTH:
            yield portion
            portion, length = [], 0
        portion.append(text)
        length += more
    if portion:
        yield portion


def at_most(limit: int, items: Sequence[str] | Sequence[object], what: str) -> None:
    """Refuse an empty or too long list before anything is sent."""
    if not 1 <= len(items) <= limit:
        raise ValueError(f"{len(items)} {what} were given; one call takes 1 to {limit}.")


def at_most_bytes(limit: int, text: str, what: str) -> None:
    length = len(text.encode())
    if length > limit:
        raise ValueError(f"{what} has {length} bytes of UTF-8; at most {limit} are allowed.")


def wire_time(moment: datetime) -> str:
    """Write a moment as VOD reads it: whole seconds, UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
