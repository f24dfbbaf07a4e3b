"""Moments in the spelling of the service: UTC, whole seconds, a final Z."""

from datetime import UTC, datetime, timedelta, timezone

_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
_QUOTA_ZONE = timezone(timedelta(hours=8))  # daily quotas are replenished at 00:00 UTC+8


class _Lead:
    """How far this clock is ahead of the machine's."""

    by = timedelta()


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return machine_now() + _Lead.by


def machine_now() -> datetime:
    """The same by the clock of the machine, which callers go by."""
    return datetime.now(UTC)


def set_ahead(seconds: float) -> None:
    """Be so many seconds ahead of the machine: time passes for the service without waiting."""
    _Lead.by = timedelta(seconds=seconds)


def text(moment: datetime) -> str:
    """Spell a moment as the service does: `2026-01-31T08:15:00Z`."""
    return moment.astimezone(UTC).strftime(_FORMAT)


def now_text() -> str:
    """The present moment as the service spells it."""
    return text(now())


def quota_day_text() -> str:
    """When the present day of the CDN's quotas began, as text."""
    return text(now().astimezone(_QUOTA_ZONE).replace(hour=0, minute=0, second=0, microsecond=0))


def parse(value: str) -> datetime:
    """Read a moment in the service's spelling; ValueError says what was expected."""
    try:
        return datetime.strptime(value, _FORMAT).replace(tzinfo=UTC)
    except ValueError:
        raise ValueError(f"{value!r} is not a UTC time like 2026-01-31T08:15:00Z") from None


def ago(**span: float) -> str:
    """The moment that lies the given timedelta back, as text (`ago(days=7)`)."""
    return text(now() - timedelta(**span))
