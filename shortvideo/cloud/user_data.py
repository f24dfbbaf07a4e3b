"""UserData: what an app's server attaches to an upload, such as the uploader; VOD returns it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from shortvideo.cloud.cleaning import clean

_MAX_EXTEND_BYTES = 512


@dataclass(frozen=True, slots=True)
class Uploader:
    """Who uploaded a video, as the app's server wrote it into the upload's UserData."""

    user_id: str
    user_name: str = ""
    avatar_url: str = ""


@dataclass(frozen=True, slots=True)
class UserData:
    """Data attached to an upload or a job; VOD returns it in answers and events."""

    extend: Mapping[str, Any] | str | None = None

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Parse the UserData of an answer; None if it is empty or not a JSON object."""
        content = _parse_object(text)
        return cls.from_extend(content.get("Extend")) if content else None

    @classmethod
    def from_extend(cls, extend: Any) -> Self | None:
        """Parse the Extend of UserData or of an event: an object or its JSON text."""
        if isinstance(extend, Mapping):
            return cls(extend)
        if not isinstance(extend, str) or not extend:
            return None
        return cls(_parse_object(extend) or extend)

    @classmethod
    def of(cls, uploader: Uploader) -> Self:
        """Return UserData that names the uploader."""
        return cls(
            {
                "userId": uploader.user_id,
                "userName": uploader.user_name,
                "avatarUrl": uploader.avatar_url,
            }
        )

    @property
    def uploader(self) -> Uploader | None:
        """Return the uploader; None if Extend names no user."""
        if not isinstance(self.extend, Mapping):
            return None
        user_id = _plain_text(self.extend.get("userId"))
        if not user_id:
            return None
        return Uploader(
            user_id=user_id,
            user_name=_plain_text(self.extend.get("userName")),
            avatar_url=_plain_text(self.extend.get("avatarUrl")),
        )

    def to_json(self) -> str:
        """Return the text to send. Raises ValueError if Extend is longer than 512 bytes."""
        extend = self.extend if isinstance(self.extend, str) else _compact(self.extend or {})
        if (length := len(extend.encode())) > _MAX_EXTEND_BYTES:
            raise ValueError(
                f"Extend has {length} bytes of UTF-8; VOD takes at most {_MAX_EXTEND_BYTES}."
            )
        return _compact({"Extend": self.extend or {}})


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _parse_object(text: str) -> dict[str, Any] | None:
    """Return the object in a JSON text, cleaned for storage; None if it is not an object."""
    try:
        value = clean(json.loads(text))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _plain_text(value: Any) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
