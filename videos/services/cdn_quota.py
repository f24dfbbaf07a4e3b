"""The CDN's quotas of a day: read before prefetches are sent, and now and then to be shown."""

from datetime import datetime, time, timedelta
from random import SystemRandom
from typing import Final
from zoneinfo import ZoneInfo

from django.utils import timezone

from shortvideo.cloud import cdn_gateway
from shortvideo.cloud.types import CdnQuota as QuotaFacts
from videos.models import CdnQuota

ZONE: Final = ZoneInfo("Asia/Shanghai")  # quotas are replenished at 00:00 UTC+8, wherever we are
# After midnight: its clock is not ours, and all that waits for the new day must not come at once.
JITTER_SECONDS: Final = (120.0, 900.0)

_random = SystemRandom()


def read_quota() -> QuotaFacts:
    """Ask the CDN what is left today, and keep the answer. Raises CloudError."""
    quota = cdn_gateway().quota()
    CdnQuota.objects.update_or_create(
        pk=CdnQuota.ONLY,
        defaults={
            "prefetch_limit": quota.prefetch_quota,
            "prefetch_left": quota.prefetch_remaining,
            "purge_limit": quota.purge_quota,
            "purge_left": quota.purge_remaining,
            "read_at": timezone.now(),
        },
    )
    return quota


def day_began_at(now: datetime) -> datetime:
    """When the present day of the quotas began."""
    return datetime.combine(now.astimezone(ZONE).date(), time.min, ZONE)


def seconds_until_renewed(now: datetime) -> float:
    """How long what does not fit into today's quota waits: until some minutes into tomorrow."""
    tomorrow = day_began_at(now) + timedelta(days=1)
    return (tomorrow - now).total_seconds() + _random.uniform(*JITTER_SECONDS)
