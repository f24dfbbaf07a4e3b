"""Moments and seconds that people and programs write, kept within what databases take."""

import math
from argparse import ArgumentTypeError
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from django.utils import timezone

# One year inside the limits of `datetime`: no time zone and no margin leads beyond them.
_EARLIEST, _LATEST = datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, tzinfo=UTC)
_MOST_SECONDS = 100 * 366 * 86_400  # a hundred years


def within_range(moment: datetime) -> datetime:
    """Convert to UTC, as databases do; a moment that has no UTC becomes the nearest limit."""
    if moment.year < _EARLIEST.year:
        return _EARLIEST
    if moment.year > _LATEST.year:
        return _LATEST
    return moment.astimezone(UTC)


def start_of_day(day: date, zone: tzinfo | None = None) -> datetime:
    """The first moment of a day in a time zone; without one, in the server's."""
    zone = zone or timezone.get_default_timezone()
    return within_range(datetime.combine(day, time.min, zone))


def end_of_day(day: date, zone: tzinfo | None = None) -> datetime:
    """The first moment after a day, which has 23 or 25 hours where summer time begins or ends."""
    return start_of_day(min(day, _LATEST.date()) + timedelta(days=1), zone)


def zone_name() -> str:
    """The time zone of the operator, or the server's, such as "Asia/Shanghai (UTC+08:00)"."""
    offset = f"{timezone.localtime():%z}"
    return f"{timezone.get_current_timezone_name()} (UTC{offset[:3]}:{offset[3:5]})"


def parse_seconds(text: str) -> float:
    """Parse an argument of a command. Raises ArgumentTypeError beyond a hundred years."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= _MOST_SECONDS:
        raise ArgumentTypeError(f"{text!r} is not a number of seconds from 0 to {_MOST_SECONDS}.")
    return seconds
