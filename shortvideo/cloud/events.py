"""VOD's callbacks: verify their signature, parse their body."""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shortvideo.cloud.cleaning import clean, parse_moment
from shortvideo.cloud.types import UserData

# Fields with the id of the media; the first that is set counts.
_ID_KEYS = ("VideoId", "MediaId", "ImageId", "AttachedMediaId")
# Lists whose items hold job ids.
_JOB_LISTS = ("StreamInfos", "SnapshotInfos")


class SignatureRefused(Exception):
    """The callback is not authentic. `str(error)` says why and holds no secret."""


class MalformedEvent(ValueError):
    """The body is not an event: not JSON, not an object, or without EventType."""


@dataclass(frozen=True, slots=True)
class Event:
    """One callback. Its body is not signed: read the video from VOD before publishing anything.

    `media_id` is VideoId or MediaId, or the id of an image or attachment ("" if absent); `status`
    is success or fail ("" if absent); `event_time` is None if absent or unreadable; `user_data` is
    that of the job or the upload. `dedupe_key` is the same for repeated deliveries of one event.
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
    """Raise SignatureRefused unless one of `keys` signed within `max_age` seconds of `now`.

    `callback_url` is the URL configured in VOD, `timestamp` and `signature` are the headers
    X-VOD-TIMESTAMP and X-VOD-SIGNATURE ("" if absent). Empty keys are ignored; all others are
    compared, each in constant time.
    """
    usable = [key for key in keys if key]
    if not usable:
        raise SignatureRefused("No callback key is configured.")
    if not timestamp or not signature:
        raise SignatureRefused("The callback is not signed.")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise SignatureRefused("The callback's timestamp is not a number of seconds.")
    if abs(now.timestamp() - int(timestamp)) > max_age:
        raise SignatureRefused("The callback's timestamp is too far from the present.")
    given = signature.lower().encode()
    matches = [
        hmac.compare_digest(sign(callback_url, timestamp, key).encode(), given) for key in usable
    ]
    if not any(matches):
        raise SignatureRefused("The callback's signature is not ours.")


def sign(callback_url: str, timestamp: str, key: str) -> str:
    """Return VOD's signature of a callback, in lower-case hexadecimal."""
    text = f"{callback_url}|{timestamp}|{key}"
    return hashlib.md5(text.encode()).hexdigest()  # noqa: S324 - VOD's own scheme


def parse_event(body: bytes) -> Event:
    """Parse a callback's body, whatever its EventType. Raises MalformedEvent.

    `Data` and the values of `MediaContent` arrive as objects or as JSON text; `Event.body` has
    objects.
    """
    content = _parse_content(body)
    kind = _text(content.get("EventType"))
    if not kind:
        raise MalformedEvent("The event has no EventType.")
    media_id = next(filter(None, (_text(content.get(key)) for key in _ID_KEYS)), "")
    event_time = _text(content.get("EventTime"))
    job_ids = _job_ids(content)
    return Event(
        type=kind,
        media_id=media_id,
        job_ids=job_ids,
        status=_text(content.get("Status")),
        event_time=parse_moment(event_time),
        user_data=UserData.from_extend(content.get("Extend")),
        body=content,
        dedupe_key=_digest(kind, media_id, *job_ids, event_time),
    )


def _parse_content(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body)
        # Some documented samples have keys with a trailing space.
        content = {key.strip(): value for key, value in clean(parsed).items()}
        if "Data" in content:
            content["Data"] = _parse_object(content["Data"])
        if isinstance(changes := content.get("MediaContent"), str | dict):
            changes = _parse_object(changes)
            content["MediaContent"] = (
                {name: _parse_object(change) for name, change in changes.items()}
                if isinstance(changes, dict)
                else changes
            )
    except (ValueError, RecursionError) as error:
        raise MalformedEvent("The event is not JSON.") from error
    except AttributeError as error:
        raise MalformedEvent("The event is not a JSON object.") from error
    return content


def _parse_object(value: Any) -> Any:
    """Return the object or list in a JSON text; any other value unchanged."""
    if not isinstance(value, str):
        return value
    try:
        parsed = clean(json.loads(value))
    except (ValueError, RecursionError):
        return value
    return parsed if isinstance(parsed, dict | list) else value


def _job_ids(content: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the ids of all jobs in the event, its own first, without duplicates."""
    named = [_text(content.get("JobId"))]
    many = content.get("JobIds")
    if isinstance(many, str):
        named += many.split(",")
    elif isinstance(many, list):
        named += map(_text, many)
    for key in _JOB_LISTS:
        items = content.get(key)
        if isinstance(items, list):
            named += [_text(item.get("JobId")) for item in items if isinstance(item, dict)]
    return tuple(dict.fromkeys(filter(None, (job_id.strip() for job_id in named))))


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str | int | float) else ""


def _digest(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
