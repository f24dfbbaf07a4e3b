"""The day of the CDN's quotas: when it began, and when the next one begins."""

from datetime import datetime, time, timedelta
from random import SystemRandom
from typing import Final
from zoneinfo import ZoneInfo

ZONE: Final = ZoneInfo("Asia/Shanghai")  # quotas are renewed at 00:00 UTC+8
# Added after midnight: clocks differ, and the waiting deliveries must not all come at once.
JITTER_SECONDS: Final = (120.0, 900.0)

_random = SystemRandom()


def day_began_at(now: datetime) -> datetime:
    """When the quotas were last renewed."""
    return datetime.combine(now.astimezone(ZONE).date(), time.min, ZONE)


def seconds_until_renewed(now: datetime) -> float:
    """Seconds until some minutes after the next renewal."""
    tomorrow = day_began_at(now) + timedelta(days=1)
    return (tomorrow - now).total_seconds() + _random.uniform(*JITTER_SECONDS)
