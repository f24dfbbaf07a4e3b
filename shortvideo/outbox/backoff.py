"""How long to wait before trying again: exponential, capped, with jitter."""

from random import Random, SystemRandom

from django.conf import settings

_random = SystemRandom()


def ceiling_seconds(attempt: int, *, base: float | None = None, cap: float | None = None) -> float:
    """The longest wait after this attempt (1 is the first): doubles up to the cap.

    `base` and `cap` are in seconds; by default they come from the settings.
    """
    base = settings.OUTBOX_BACKOFF_SECONDS if base is None else base
    cap = settings.OUTBOX_BACKOFF_CAP_SECONDS if cap is None else cap
    # 2 ** 1,100 does not fit a float; the cap is reached long before 2 ** 60.
    return min(cap, base * 2.0 ** min(max(attempt - 1, 0), 60))


def retry_seconds(attempt: int, *, random: Random = _random) -> float:
    """Full jitter: 0 to the ceiling, so that many failures do not come back together."""
    return random.uniform(0, ceiling_seconds(attempt))


def pause_seconds(throttled_count: int, *, random: Random = _random) -> float:
    """The pause of a whole kind: at least half of the ceiling, because only one call comes back."""
    ceiling = ceiling_seconds(throttled_count)
    return random.uniform(ceiling / 2, ceiling)
