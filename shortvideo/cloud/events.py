"""VOD's callbacks: is this one genuine, and what does it say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shortvideo.cloud.types import UserData


class SignatureRefused(Exception):
    """The callback is not to be trusted; `str(error)` says why and holds no secret."""


class MalformedEvent(ValueError):
    """The body is no event: not JSON, no object, or without EventType."""


@dataclass(frozen=True, slots=True)
class Event:
    """One callback. The body is not signed: re-read from VOD before anything is published.

    `media_id` is VideoId or MediaId ("" where there is none), `status` success or fail ("" where
    absent), `event_time` None where absent or unreadable. `dedupe_key` is the same for repeated
    deliveries of one event.
    """

    type: str
    media_id: str
    job_ids: tuple[str, ...]
    status: str
    event_time: datetime | None
    user_data: UserData | None
    body: Mapping[str, Any]
    dedupe_key: str


def verify_signature(
    *,
    callback_url: str,
    timestamp: str,
    signature: str,
    keys: Sequence[str],
    now: datetime,
    max_age: float,
) -> None:
    """Raise SignatureRefused unless one of `keys` made `signature`, at most `max_age` seconds ago."""
    raise NotImplementedError


def parse_event(body: bytes) -> Event:
    """Read a callback's body; unknown types make an Event too. Raises MalformedEvent."""
    raise NotImplementedError
