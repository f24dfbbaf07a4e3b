"""Moments as clients of the console write them."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from django.utils import timezone

# Beyond what any clock says, and far enough from the ends of `datetime` for every time zone.
EARLIEST, LATEST = datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, tzinfo=UTC)
LOCAL = re.compile(
    r"([0-9]{4}-[0-9]{1,2}-[0-9]{1,2})(?: ([0-9]{1,2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,6}))?)?"
)
# A "+" that nobody escaped arrives as a blank.
UNESCAPED_OFFSET = re.compile(r"(.*[0-9]:[0-9.:]+) ([0-9]{2}:?[0-9]{2})")


@dataclass(frozen=True, slots=True)
class Span:
    """What one spelling covers: a whole second, or day; `end` is the first moment after it."""

    start: datetime
    end: datetime


def parse_moment(text: str) -> Span | None:
    """Read `YYYY-MM-DD HH:MM:SS` or `YYYY-MM-DD` in the server's time zone, or ISO 8601 with an
    offset; None for anything else."""
    try:
        if match := LOCAL.fullmatch(text):
            return _local_span(*match.groups())
        return _offset_span(UNESCAPED_OFFSET.sub(r"\1+\2", text))
    except (ValueError, OverflowError):
        return None


def _local_span(date_text: str, clock: str | None, fraction: str | None) -> Span:
    zone = timezone.get_default_timezone()
    year, month, day = map(int, date_text.split("-"))
    on = date(year, month, day)
    if clock is None:
        # By the calendar: a day has 23 or 25 hours where clocks are put forward or back.
        following = min(on, LATEST.date()) + timedelta(days=1)
        return Span(_midnight(on, zone), _midnight(following, zone))
    digits = fraction or ""
    hour, minute, second = map(int, clock.split(":"))
    at = time(hour, minute, second, int(digits.ljust(6, "0")))
    return _span_of(datetime.combine(on, at, zone), timedelta(seconds=1) / 10 ** len(digits))


def _midnight(on: date, zone: tzinfo) -> datetime:
    return _within_range(datetime.combine(on, time.min, zone))


def _offset_span(text: str) -> Span:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("Without an offset nobody knows which moment this is.")
    has_fraction = "." in text or "," in text
    return _span_of(moment, timedelta(microseconds=1) if has_fraction else timedelta(seconds=1))


def _span_of(start: datetime, precision: timedelta) -> Span:
    return Span(_within_range(start), _within_range(_within_range(start) + precision))


def _within_range(moment: datetime) -> datetime:
    """Databases take their own UTC: no moment may leave the calendar on the way there."""
    naive = moment.replace(tzinfo=None)
    if naive.year < EARLIEST.year:
        return EARLIEST
    if naive.year > LATEST.year:
        return LATEST
    return moment.astimezone(UTC)
