"""Work that comes round, run by one worker at a time."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

Work = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Registered:
    name: str
    every: timedelta
    work: Work


_registered: dict[str, Registered] = {}


def periodic(name: str, *, every: timedelta) -> Callable[[Work], Work]:
    """Register a function without arguments; import its module from `AppConfig.ready`.

    It runs for the first time one period after a worker first knew of it, outside any
    transaction, under a lease that is extended meanwhile, beside the deliveries. The next run is
    due one period after the end of this one. What it raises is logged and shown on its row.
    """

    def register(work: Work) -> Work:
        _registered[name] = Registered(name, every, work)
        return work

    return register
