"""Fields of parameters: each documents, validates and converts one parameter.

Error messages continue the parameter's name: "pageSize" + "must be a whole number from 1 to 100".
"""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NoReturn

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.fields import SkipField, empty

from shortvideo.console.moments import parse_moment

_WHOLE_DIGITS = 18  # more than any page or id has; longer numbers become 10**18
TEXT_LENGTH = 1024


class Text(serializers.CharField):
    """Text, not trimmed."""

    def __init__(self, *, max_length: int | None = TEXT_LENGTH, **options: Any) -> None:
        super().__init__(
            max_length=max_length,
            trim_whitespace=False,
            error_messages={
                "required": "is required",
                "blank": "is required",
                "max_length": "must have at most {max_length} characters",
            },
            **options,
        )


class Ignored(Text):
    """Text that is validated and then dropped."""

    def __init__(self, *, max_length: int | None = None) -> None:
        super().__init__(max_length=max_length, required=False, help_text="Ignored.")

    def run_validation(self, data: Any = empty) -> NoReturn:
        super().run_validation(data)
        raise SkipField


@extend_schema_field(OpenApiTypes.INT)
class IgnoredWhole(Ignored):
    """A number of a row as it was answered, also empty text."""


class Bytes(Text):
    """Text whose UTF-8 has at most `max_bytes` bytes."""

    def __init__(self, *, max_bytes: int, **options: Any) -> None:
        self.max_bytes = max_bytes
        super().__init__(
            max_length=None,
            help_text=f"At most {max_bytes} bytes of UTF-8.",
            **options,
        )

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        length = len(text.encode(errors="replace"))
        if length > self.max_bytes:
            raise serializers.ValidationError(
                f"must have at most {self.max_bytes} bytes of UTF-8; it has {length}"
            )
        return text


class Whole(serializers.IntegerField):
    """`[0-9]+` of any size, within bounds."""

    def __init__(self, *, at_least: int, at_most: int | None = None, **options: Any) -> None:
        bounds = f"from {at_least}" + (f" to {at_most}" if at_most is not None else "")
        sentence = f"must be a whole number {bounds}"
        super().__init__(
            min_value=at_least,
            max_value=at_most,
            error_messages={
                "required": "is required",
                **dict.fromkeys(("invalid", "min_value", "max_value"), sentence),
            },
            **options,
        )

    def to_internal_value(self, data: Any) -> int:
        if not re.fullmatch(r"[0-9]+", data):
            self.fail("invalid")
        significant = data.lstrip("0")
        return 10**_WHOLE_DIGITS if len(significant) > _WHOLE_DIGITS else int(significant or "0")


class Cursor(serializers.CharField):
    """Where a walk through a list continues; empty text begins one. Opaque to clients."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            trim_whitespace=False,
            allow_blank=True,
            help_text="Empty to begin, then the nextCursor of the last answer.",
            **options,
        )

    def to_internal_value(self, data: Any) -> int:  # type: ignore[override]  # more than text
        if not re.fullmatch(r"[0-9]{1,18}", data):
            raise serializers.ValidationError("must be empty or the nextCursor of an answer")
        return int(data)

    def run_validation(self, data: Any = empty) -> Any:
        return 0 if data == "" else super().run_validation(data)


class Choice(serializers.ChoiceField):
    def __init__(self, choices: Iterable[str], **options: Any) -> None:
        allowed = [str(choice) for choice in choices]
        super().__init__(
            choices=allowed,
            error_messages={
                "required": "is required",
                "invalid_choice": f"must be one of {', '.join(allowed)}",
            },
            **options,
        )


class Flag(serializers.ChoiceField):
    """`true` or `false`, also `1` or `0`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            choices=["true", "false", "1", "0"],
            error_messages={"invalid_choice": "must be true, false, 1 or 0"},
            **options,
        )

    def to_internal_value(self, data: Any) -> bool:  # type: ignore[override]  # more than text
        return super().to_internal_value(data.lower()) in ("true", "1")


class Moment(serializers.CharField):
    """A moment in a documented spelling; with `is_end` the first moment after it."""

    def __init__(self, *, is_end: bool = False, **options: Any) -> None:
        self.is_end = is_end
        super().__init__(
            trim_whitespace=False,
            help_text="YYYY-MM-DD HH:MM:SS or YYYY-MM-DD in the server's time zone, or ISO 8601 "
            "with an offset.",
            **options,
        )

    def to_internal_value(self, data: Any) -> datetime:  # type: ignore[override]  # more than text
        span = parse_moment(data)
        if span is None:
            raise serializers.ValidationError(
                "must be YYYY-MM-DD HH:MM:SS, a date YYYY-MM-DD, or ISO 8601 with an offset"
            )
        return span.end if self.is_end else span.start
