"""The parameters of one call; bad values raise the documented ApiError."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from localvod import clock
from localvod.errors import ApiError, invalid_length, invalid_parameter, missing_parameter
from localvod.user_data import extend_text

EXTEND_LIMIT = 512
_REFERENCE_ID = re.compile(r"[A-Za-z0-9_-]{6,64}")


class Parameters:
    """A call's parameters by name. An empty text counts as missing."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = {name: value for name, value in values.items() if value != ""}

    def text(self, name: str, default: str = "") -> str:
        return self.values.get(name, default)

    def required(self, name: str) -> str:
        if name not in self.values:
            raise missing_parameter(name)
        return self.values[name]

    def limited(self, name: str, limit: int, default: str = "") -> str:
        """Text of at most `limit` bytes of UTF-8."""
        value = self.text(name, default)
        if len(value.encode()) > limit:
            raise invalid_length(name, limit)
        return value

    def choice(self, name: str, default: str, *allowed: str) -> str:
        value = self.text(name, default)
        if value not in allowed:
            raise invalid_parameter(name, f"it must be one of {', '.join(allowed)}")
        return value

    def integer(self, name: str, default: int, *, least: int, most: int) -> int:
        text = self.text(name, str(default))
        try:
            value = int(text)
        except ValueError:
            raise invalid_parameter(name, f"it must be a whole number, not {text!r}") from None
        if not least <= value <= most:
            raise invalid_parameter(name, f"it must be from {least} to {most}")
        return value

    def page(self, *, size: int, most: int) -> tuple[int, int]:
        """PageNo and PageSize."""
        return (
            self.integer("PageNo", 1, least=1, most=10_000_000),
            self.integer("PageSize", size, least=1, most=most),
        )

    def moment(self, name: str) -> datetime | None:
        value = self.text(name)
        if not value:
            return None
        try:
            return clock.parse_time(value)
        except ValueError as error:
            raise invalid_parameter(name, str(error)) from None

    def items(self, name: str) -> list[str]:
        """Comma-separated values, trimmed and without duplicates."""
        parts = (part.strip() for part in self.text(name).split(","))
        return list(dict.fromkeys(part for part in parts if part))

    def json(self, name: str) -> Any:
        try:
            return json.loads(self.required(name))
        except ValueError:
            raise invalid_parameter(name, "it must be JSON text") from None

    def user_data(self) -> str:
        """UserData as sent: a JSON object whose Extend has at most 512 bytes."""
        value = self.text("UserData")
        if not value:
            return ""
        data = self.json("UserData")
        if not isinstance(data, dict):
            raise invalid_parameter("UserData", "it must be a JSON object")
        if len(extend_text(data).encode()) > EXTEND_LIMIT:
            raise invalid_parameter("UserData", f"Extend may have {EXTEND_LIMIT} bytes at most")
        return value

    def reference_id(self) -> str | None:
        value = self.text("ReferenceId")
        if value and not _REFERENCE_ID.fullmatch(value):
            raise invalid_parameter(
                "ReferenceId", "it must be 6 to 64 letters, digits, hyphens and underscores"
            )
        return value or None


def check_tags(value: str) -> str:
    """Return the tags: at most 16, each of at most 32 bytes."""
    tags = [tag for tag in value.split(",") if tag]
    if len(tags) > 16:
        raise ApiError("TagsExceededMax", 400, "A video has at most 16 tags.")
    if any(len(tag.encode()) > 32 for tag in tags):
        raise ApiError("LengthExceededMax", 400, "A tag may not be longer than 32 bytes of UTF-8.")
    return value
