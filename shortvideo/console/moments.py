"""Moments as clients of the console write them."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.utils import timezone

from shortvideo.moments import end_of_day, start_of_day, within_range

_LOCAL = re.compile(
    r"([0-9]{4}-[0-9]{1,2}-[0-9]{1,2})(?: ([0-9]{1,2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,6}))?)?"
)
# An unescaped "+" arrives as a blank.
_UNESCAPED_OFFSET = re.compile(r"(.*[0-9]:[0-9.:]+) ([0-9]{2}:?[0-9]{2})")


@dataclass(frozen=True, slots=True)
class Span:
    """The second or the day of one spelling; `end` is the first moment after it."""

    start: datetime
    end: datetime


def parse_moment(text: str) -> Span | None:
    """Parse `YYYY-MM-DD HH:MM:SS` or `YYYY-MM-DD` in the server's time zone, or ISO 8601 with an
    offset; None for anything else."""
    try:
        if match := _LOCAL.fullmatch(text):
            return _local_span(*match.groups())
        return _offset_span(_UNESCAPED_OFFSET.sub(r"\1+\2", text))
    except (ValueError, OverflowError):
        return None


def _local_span(date_text: str, clock: str | None, fraction: str | None) -> Span:
    day = date(*map(int, date_text.split("-")))
    if clock is None:
        return Span(start_of_day(day), end_of_day(day))
    digits = fraction or ""
    hour, minute, second = map(int, clock.split(":"))
    at = time(hour, minute, second, int(digits.ljust(6, "0")))
    start = datetime.combine(day, at, timezone.get_default_timezone())
    return _span_of(start, timedelta(seconds=1) / 10 ** len(digits))


def _offset_span(text: str) -> Span:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("The offset is missing.")
    has_fraction = "." in text or "," in text
    return _span_of(moment, timedelta(microseconds=1) if has_fraction else timedelta(seconds=1))


def _span_of(start: datetime, precision: timedelta) -> Span:
    return Span(within_range(start), within_range(within_range(start) + precision))
