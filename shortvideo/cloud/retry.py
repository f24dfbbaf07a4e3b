"""Calls that are worth a second try: a walk of an hour must not end for one lost answer."""

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final, TypeVar

from shortvideo.cloud import CloudUnavailable

PAUSES_SECONDS: Final = (0.2, 0.5, 1.0, 2.0, 4.0)
LONGEST_PAUSE_SECONDS: Final = 30.0

T = TypeVar("T")


def patiently(call: Callable[[], T]) -> T:
    """Call, and call again while the cloud is not available; the last failure is raised."""
    for pause in PAUSES_SECONDS:
        try:
            return call()
        except CloudUnavailable as error:
            time.sleep(min(max(pause, error.retry_after or 0), LONGEST_PAUSE_SECONDS))
    return call()


def once(call: Callable[[], T]) -> T:
    """For work that comes round anyway: the next round is the second try."""
    return call()


def in_batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
