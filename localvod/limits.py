"""The published limits: calls a second, and URLs a day."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from localvod.errors import ApiError

QUOTAS_NOTE = "daily_quotas"  # limits in place of the published ones, by "product kind"


@dataclass(frozen=True, slots=True)
class DailyQuota:
    """The limit of URLs of one kind a day (from 00:00 UTC+8), and the error code beyond it."""

    code: str
    limit: int


DAILY_QUOTAS = {
    ("cdn", "preload"): DailyQuota("QuotaExceeded.Preload", 1_000),
    ("cdn", "file"): DailyQuota("QuotaExceeded.Refresh", 10_000),
    ("cdn", "directory"): DailyQuota("QuotaExceeded.Refresh", 100),
    ("cdn", "regex"): DailyQuota("QuotaExceeded.Refresh", 20),
    ("cdn", "exquery"): DailyQuota("QuotaExceeded.Refresh", 100),
    ("vod", "preload"): DailyQuota("QuotaExceeded.Preload", 500),
    ("vod", "file"): DailyQuota("QuotaExceeded.Refresh", 2_000),
    ("vod", "directory"): DailyQuota("QuotaExceeded.Refresh", 100),
    ("vod", "regex"): DailyQuota("QuotaExceeded.Refresh", 20),
    ("vod", "ignoreparams"): DailyQuota("QuotaExceeded.Refresh", 100),
}


class RateLimiter:
    """A token bucket for each operation: `qps` calls a second, and bursts of `qps` calls."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[str, tuple[float, float]] = {}

    def allow(self, operation: str, qps: int) -> bool:
        """Count one call; False if it is one too many."""
        with self._lock:
            now = self._clock()
            tokens, filled_at = self._buckets.get(operation, (float(qps), now))
            tokens = min(float(qps), tokens + (now - filled_at) * qps)
            allowed = tokens >= 1
            self._buckets[operation] = (tokens - 1 if allowed else tokens, now)
            return allowed


def throttling_error(operation: str, *, is_cache_operation: bool) -> ApiError:
    """The refusal of a throttled call; VOD's cache operations have a code of their own."""
    message = f"Request was denied due to user flow control of {operation}."
    if is_cache_operation:
        return ApiError("Throttling", 503, message)
    return ApiError("Throttling.User", 400, message)
