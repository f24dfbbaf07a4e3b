"""Read the cloud's answers: accept their variations, reject nonsense.

Numbers arrive as numbers or as text, times in several formats, and a list may be absent. All else
raises CloudUnavailable: the answer is cut off, or another server gave it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from shortvideo.cloud.cleaning import clean_text, parse_moment
from shortvideo.cloud.errors import CloudUnavailable

_MAX_WHOLE = 2**63 - 1  # what both databases store


@dataclass(frozen=True, slots=True)
class Reply:
    """A JSON object in an answer. `label` names the answer in errors."""

    label: str
    fields: Mapping[str, Any]
    sent_at: datetime

    def unexpected(self, what: str) -> NoReturn:
        raise CloudUnavailable(f"{self.label} is not understood: {what}.")

    def text(self, name: str) -> str:
        value = self.fields.get(name)
        if isinstance(value, str):
            return clean_text(value)
        if value is None:
            return ""
        if not isinstance(value, int | float):
            self.unexpected(f"{name} is not a text")
        return str(value)

    def required(self, name: str) -> str:
        return self.text(name) or self.unexpected(f"{name} is missing")

    def number(self, name: str) -> float:
        try:
            value = float(self.text(name) or 0)
        except ValueError:
            value = math.nan
        return value if math.isfinite(value) else self.unexpected(f"{name} is not a number")

    def whole(self, name: str) -> int:
        text = self.text(name)
        value = int(text) if text.isdecimal() and len(text) < 20 else round(self.number(name))
        return value if abs(value) <= _MAX_WHOLE else self.unexpected(f"{name} is out of range")

    def percent(self, name: str) -> int:
        """Read `42`, "42" or "42%", clamped to 0 to 100."""
        value = Reply(self.label, {name: self.text(name).removesuffix("%")}, self.sent_at)
        return min(100, max(0, value.whole(name)))

    def moment(self, name: str) -> datetime | None:
        text = self.text(name)
        if not text:
            return None
        return parse_moment(text) or self.unexpected(f"{name} is not a time")

    def child(self, name: str) -> "Reply":
        return self.optional(name) or self.unexpected(f"{name} is missing")

    def optional(self, name: str) -> "Reply | None":
        value = self.fields.get(name)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            self.unexpected(f"{name} is not an object")
        return Reply(self.label, value, self.sent_at)

    def _list(self, name: str, wrapped: str | None) -> list[Any]:
        value = self.fields.get(name)
        if wrapped and isinstance(value, Mapping):
            value = value.get(wrapped)
        if value is None:
            return []
        return value if isinstance(value, list) else self.unexpected(f"{name} is not a list")

    def children(self, name: str, *, wrapped: str | None = None) -> tuple["Reply", ...]:
        """Read a list of objects, or the list that VOD wraps in an object."""
        items = self._list(name, wrapped)
        if not all(isinstance(item, Mapping) for item in items):
            self.unexpected(f"{name} holds something that is not an object")
        return tuple(Reply(self.label, item, self.sent_at) for item in items)

    def names(self, name: str, *, wrapped: str | None = None) -> tuple[str, ...]:
        """Read a list of texts, or a text that separates them by commas."""
        value = self.fields.get(name)
        items = value.split(",") if isinstance(value, str) else self._list(name, wrapped)
        try:
            texts = [clean_text(str.strip(item)) for item in items]
        except TypeError:
            self.unexpected(f"{name} holds something that is not a text")
        return tuple(filter(None, texts))
