"""Moments as clients of the console write them."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from django.utils import timezone

# One year inside the limits of `datetime`: no time zone leads beyond them.
_EARLIEST, _LATEST = datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, tzinfo=UTC)
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
    zone = timezone.get_default_timezone()
    day = date(*map(int, date_text.split("-")))
    if clock is None:
        # Not 24 hours: the day that begins or ends summer time has 23 or 25.
        next_day = min(day, _LATEST.date()) + timedelta(days=1)
        return Span(_start_of(day, zone), _start_of(next_day, zone))
    digits = fraction or ""
    hour, minute, second = map(int, clock.split(":"))
    at = time(hour, minute, second, int(digits.ljust(6, "0")))
    return _span_of(datetime.combine(day, at, zone), timedelta(seconds=1) / 10 ** len(digits))


def _start_of(day: date, zone: tzinfo) -> datetime:
    return _within_range(datetime.combine(day, time.min, zone))


def _offset_span(text: str) -> Span:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("The offset is missing.")
    has_fraction = "." in text or "," in text
    return _span_of(moment, timedelta(microseconds=1) if has_fraction else timedelta(seconds=1))


def _span_of(start: datetime, precision: timedelta) -> Span:
    return Span(_within_range(start), _within_range(_within_range(start) + precision))


def _within_range(moment: datetime) -> datetime:
    """Convert to UTC, as databases do; a moment that has no UTC becomes the nearest limit."""
    naive = moment.replace(tzinfo=None)
    if naive.year < _EARLIEST.year:
        return _EARLIEST
    if naive.year > _LATEST.year:
        return _LATEST
    return moment.astimezone(UTC)
