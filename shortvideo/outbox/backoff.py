"""How long to wait before trying again: exponential, capped, with jitter."""

from random import Random, SystemRandom

from django.conf import settings

_random = SystemRandom()


def ceiling_seconds(attempt: int, *, base: float | None = None, cap: float | None = None) -> float:
    """The longest wait after this attempt, the first being 1: doubles up to the cap.

    `base` and `cap` are in seconds, those of the settings where they are not given.
    """
    base = settings.OUTBOX_BACKOFF_SECONDS if base is None else base
    cap = settings.OUTBOX_BACKOFF_CAP_SECONDS if cap is None else cap
    # 2 ** 1,100 does not fit a float, and long before that the cap has been reached.
    return min(cap, base * 2.0 ** min(max(attempt - 1, 0), 60))


def retry_seconds(attempt: int, *, random: Random = _random) -> float:
    """Full jitter: anything up to the ceiling, so that many failures do not come back together."""
    return random.uniform(0, ceiling_seconds(attempt))


def pause_seconds(throttled_count: int, *, random: Random = _random) -> float:
    """For a whole kind, of which only one comes back: at least half of the ceiling."""
    ceiling = ceiling_seconds(throttled_count)
    return random.uniform(ceiling / 2, ceiling)
