"""The service's clock, and its times as text: UTC, whole seconds, a final Z."""

from datetime import UTC, datetime, timedelta, timezone

TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
_QUOTA_ZONE = timezone(timedelta(hours=8))  # daily quotas are replenished at 00:00 UTC+8


class _Lead:
    by = timedelta()  # how far this clock is ahead of the machine's


def now() -> datetime:
    """The service's present moment, aware, in UTC."""
    return machine_now() + _Lead.by


def machine_now() -> datetime:
    """The machine's present moment; callers date their signatures by it."""
    return datetime.now(UTC)


def set_ahead(seconds: float) -> None:
    """Set the clock ahead of the machine's, so that a test need not wait for time to pass."""
    _Lead.by = timedelta(seconds=seconds)


def format_time(moment: datetime) -> str:
    """The moment as text: `2026-01-31T08:15:00Z`."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def now_text() -> str:
    return format_time(now())


def quota_day_start() -> str:
    """The start of the present quota day, as text."""
    start = now().astimezone(_QUOTA_ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
    return format_time(start)


def parse_time(value: str) -> datetime:
    """Parse a time like `2026-01-31T08:15:00Z`; raises ValueError for other text."""
    try:
        return datetime.strptime(value, TIME_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        raise ValueError(f"{value!r} is not a UTC time like 2026-01-31T08:15:00Z") from None


def ago(**span: float) -> str:
    """The moment a timedelta ago, as text: `ago(days=7)`."""
    return format_time(now() - timedelta(**span))
