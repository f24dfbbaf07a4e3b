"""The CDN's quotas of a day: read before prefetches are sent, and now and then to be shown."""

from datetime import datetime, time, timedelta
from random import SystemRandom
from typing import Final
from zoneinfo import ZoneInfo

ZONE: Final = ZoneInfo("Asia/Shanghai")  # quotas are replenished at 00:00 UTC+8, wherever we are
# After midnight: its clock is not ours, and all that waits for the new day must not come at once.
JITTER_SECONDS: Final = (120.0, 900.0)

_random = SystemRandom()


def day_began_at(now: datetime) -> datetime:
    """When the present day of the quotas began."""
    return datetime.combine(now.astimezone(ZONE).date(), time.min, ZONE)


def seconds_until_renewed(now: datetime) -> float:
    """How long what does not fit into today's quota waits: until some minutes into tomorrow."""
    tomorrow = day_began_at(now) + timedelta(days=1)
    return (tomorrow - now).total_seconds() + _random.uniform(*JITTER_SECONDS)
