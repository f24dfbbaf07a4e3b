"""The backoff grows, has a cap and is spread at random."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from shortvideo.outbox import backoff

attempts = st.integers(min_value=1, max_value=2_000)
randoms = st.randoms(use_true_random=False)


@given(attempt=attempts, random=randoms)
def test_a_retry_waits_at_most_the_ceiling(attempt: int, random: Random) -> None:
    assert 0 <= backoff.retry_seconds(attempt, random=random) <= min(300, 2.0 ** min(attempt, 60))


@given(attempt=attempts, random=randoms)
def test_a_pause_waits_at_least_half_of_the_ceiling(attempt: int, random: Random) -> None:
    ceiling = backoff.ceiling_seconds(attempt)
    assert ceiling / 2 <= backoff.pause_seconds(attempt, random=random) <= ceiling


@given(attempt=attempts)
def test_the_ceiling_never_decreases_and_never_exceeds_the_cap(attempt: int) -> None:
    assert backoff.ceiling_seconds(attempt) <= backoff.ceiling_seconds(attempt + 1) <= 300


def test_the_ceiling_doubles_from_the_base_up_to_the_cap(settings: Settings) -> None:
    settings.OUTBOX_BACKOFF_SECONDS, settings.OUTBOX_BACKOFF_CAP_SECONDS = 0.5, 3.0
    assert [backoff.ceiling_seconds(n) for n in (1, 2, 3, 4, 5)] == [0.5, 1, 2, 3, 3]


def test_retries_are_spread_over_the_whole_range() -> None:
    waits = [backoff.retry_seconds(5, random=Random(seed)) for seed in range(200)]
    assert min(waits) < 1.6
    assert 14.4 < max(waits) <= 16
