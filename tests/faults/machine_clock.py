"""One time for this process and for localvod that passes when a test says so.

Moments in VOD are whole seconds, and some waits are minutes long: the properties let seconds pass
between two steps instead of waiting for them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import pytest

from tests.support.localvod import LocalVod

# Where the project asks what time it is; model defaults refer to the first one's `now`.
ASKED_IN = ("django.utils.timezone.datetime", "shortvideo.cloud.client.datetime")


class Clock:
    """The machine's time plus what has been let pass; localvod goes with it."""

    def __init__(self, vod: LocalVod) -> None:
        self._vod = vod
        self._ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def go_on(self, seconds: float) -> None:
        self._ahead += timedelta(seconds=seconds)
        self._vod.set_ahead(self._ahead.total_seconds())

    def set_right(self) -> None:
        """Together with localvod's reset."""
        self._ahead = timedelta()

    @contextmanager
    def in_force(self) -> Iterator[None]:
        clock = self

        class AnyDatetime(type):
            def __instancecheck__(cls, value: Any) -> bool:
                return isinstance(value, datetime)

        class Shifted(datetime, metaclass=AnyDatetime):
            """`datetime` as the project's modules see it; what it makes are plain datetimes."""

            @classmethod
            def now(cls, tz: tzinfo | None = None) -> Any:
                return clock.now().astimezone(tz)

        with pytest.MonkeyPatch.context() as patch:
            for name in ASKED_IN:
                patch.setattr(name, Shifted)
            yield
