"""Retry a call while the cloud is unavailable: one lost answer must not end an hour of syncing."""

import logging
import time
from collections.abc import Callable
from typing import Final, TypeVar

from shortvideo.cloud.errors import CloudUnavailable

PAUSES_SECONDS: Final = (0.2, 0.5, 1.0, 2.0, 4.0)
_LONGEST_PAUSE_SECONDS: Final = 30.0

Result = TypeVar("Result")
logger = logging.getLogger(__name__)


def retrying(call: Callable[[], Result]) -> Result:
    """Call, with one retry after each of PAUSES_SECONDS. Raises the last CloudUnavailable.

    A refused access key is not tried again: an operator must mend it.
    """
    for pause in PAUSES_SECONDS:
        try:
            return call()
        except CloudUnavailable as error:
            if error.is_account_fault:
                raise
            seconds = min(max(pause, error.retry_after or 0), _LONGEST_PAUSE_SECONDS)
            logger.warning("Trying again", extra={"reason": str(error), "seconds": seconds})
            time.sleep(seconds)
    return call()


def no_retry(call: Callable[[], Result]) -> Result:
    """Call once, in place of `retrying`: for periodic tasks, whose next run is the retry."""
    return call()
