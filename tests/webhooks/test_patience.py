"""Waiting times of a failed event and of its endpoint's other events."""

from random import Random

import pytest

from shortvideo.webhooks.scheduling import pause_seconds, retry_seconds


class Longest(Random):
    """Always returns the upper end."""

    def uniform(self, a: float, b: float) -> float:
        return b


class Shortest(Random):
    """Always returns the lower end."""

    def uniform(self, a: float, b: float) -> float:
        return a


@pytest.mark.parametrize(
    ("attempt", "seconds"), [(1, 5), (2, 10), (3, 20), (10, 2560), (11, 3600), (5_000, 3600)]
)
def test_the_wait_doubles_with_each_attempt_up_to_an_hour(attempt: int, seconds: int) -> None:
    assert retry_seconds(attempt, random=Longest()) == seconds
    assert retry_seconds(attempt, random=Shortest()) == seconds / 2


@pytest.mark.parametrize("failures", [1, 2, 5, 100])
def test_a_pause_is_shorter_than_the_wait_and_at_most_a_minute(failures: int) -> None:
    longest_pause = pause_seconds(failures, random=Longest())
    assert longest_pause <= 60
    assert longest_pause < retry_seconds(failures, random=Shortest())


def test_fifteen_attempts_last_2_5_to_5_5_hours() -> None:
    for random, hours in ((Shortest(), 2.5), (Longest(), 5.5)):
        total = sum(retry_seconds(attempt, random=random) for attempt in range(1, 15))
        assert abs(total / 3600 - hours) < 0.25
