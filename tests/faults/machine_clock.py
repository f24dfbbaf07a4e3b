"""A clock for this process and localvod that a test sets forward instead of waiting.

Moments in VOD are whole seconds, and some waits are minutes long.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

import pytest

from tests.support.localvod import LocalVod

# Where the project reads the time; defaults of models use `now` of the first.
READ_IN = ("django.utils.timezone.datetime", "shortvideo.cloud.client.datetime")


class Clock:
    """The machine's time plus the seconds of `go_on`, here and in localvod."""

    def __init__(self, vod: LocalVod) -> None:
        self._vod = vod
        self._ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def go_on(self, seconds: float) -> None:
        self._ahead += timedelta(seconds=seconds)
        self._vod.set_ahead(self._ahead.total_seconds())

    def set_right(self) -> None:
        """Show the machine's time again, together with localvod's reset."""
        self._ahead = timedelta()

    @contextmanager
    def in_force(self) -> Iterator[None]:
        clock = self

        class AnyDatetime(type):
            def __instancecheck__(cls, value: Any) -> bool:
                return isinstance(value, datetime)

        class Shifted(datetime, metaclass=AnyDatetime):
            """`datetime` as the project's modules see it. It makes plain datetimes."""

            @classmethod
            def now(cls, tz: tzinfo | None = None) -> Any:
                return clock.now().astimezone(tz)

        with pytest.MonkeyPatch.context() as patch:
            for name in READ_IN:
                patch.setattr(name, Shifted)
            yield
