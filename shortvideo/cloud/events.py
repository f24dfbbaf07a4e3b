"""VOD's callbacks: is this one genuine, and what does it say."""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shortvideo.cloud.cleaning import clean, parse_moment
from shortvideo.cloud.types import UserData

# Where an event says which media it is about, in this order.
ID_KEYS = ("VideoId", "MediaId", "ImageId", "AttachedMediaId")
# The lists whose items carry the ids of the jobs that an event is about.
JOB_LISTS = ("StreamInfos", "SnapshotInfos")


class SignatureRefused(Exception):
    """The callback is not to be trusted; `str(error)` says why and holds no secret."""


class MalformedEvent(ValueError):
    """The body is no event: not JSON, no object, or without EventType."""


@dataclass(frozen=True, slots=True)
class Event:
    """One callback. The body is not signed: re-read from VOD before anything is published.

    `media_id` is VideoId or MediaId, or the own id of images and attachments ("" where there is
    none); `status` is success or fail ("" where absent); `event_time` is None where absent or
    unreadable; `user_data` is what the job or the upload carried. `dedupe_key` is the same for
    repeated deliveries of one event.
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

    `callback_url` is the URL as VOD has it, `timestamp` and `signature` are the headers
    X-VOD-TIMESTAMP and X-VOD-SIGNATURE ("" where absent). Empty keys count for nothing, and all
    keys are compared, each in constant time.
    """
    usable = [key for key in keys if key]
    if not usable:
        raise SignatureRefused("No callback key is configured.")
    if not timestamp or not signature:
        raise SignatureRefused("The callback is not signed.")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise SignatureRefused("The callback's timestamp is no number of seconds.")
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
    """Read a callback's body; unknown types make an Event too. Raises MalformedEvent.

    `Data` and the values of `MediaContent`, which come as objects or as JSON text, are objects in
    `Event.body`.
    """
    content = _content(body)
    kind = _text(content.get("EventType"))
    if not kind:
        raise MalformedEvent("The event has no EventType.")
    media_id = next(filter(None, (_text(content.get(key)) for key in ID_KEYS)), "")
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


def _content(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body)
        # Some documented samples have keys with a trailing space.
        content = {key.strip(): value for key, value in clean(parsed).items()}
        if "Data" in content:
            content["Data"] = _object(content["Data"])
        if isinstance(changes := content.get("MediaContent"), str | dict):
            changes = _object(changes)
            content["MediaContent"] = (
                {name: _object(change) for name, change in changes.items()}
                if isinstance(changes, dict)
                else changes
            )
    except (ValueError, RecursionError) as error:
        raise MalformedEvent("The event is not JSON.") from error
    except AttributeError as error:
        raise MalformedEvent("The event is no JSON object.") from error
    return content


def _object(value: Any) -> Any:
    """Return the object that a JSON text holds, anything else as it is."""
    if not isinstance(value, str):
        return value
    try:
        parsed = clean(json.loads(value))
    except (ValueError, RecursionError):
        return value
    return parsed if isinstance(parsed, dict | list) else value


def _job_ids(content: Mapping[str, Any]) -> tuple[str, ...]:
    """Return every job that the event names, its own first, each once."""
    named = [_text(content.get("JobId"))]
    many = content.get("JobIds")
    if isinstance(many, str):
        named += many.split(",")
    elif isinstance(many, list):
        named += map(_text, many)
    for key in JOB_LISTS:
        items = content.get(key)
        objects = filter(_is_object, items if isinstance(items, list) else ())
        named += (_text(item.get("JobId")) for item in objects)
    return tuple(dict.fromkeys(filter(None, (job_id.strip() for job_id in named))))


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str | int | float) else ""


def _digest(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
