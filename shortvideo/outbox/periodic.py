"""Work that comes round, run by one worker at a time."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.db import InterfaceError, OperationalError, models, transaction
from django.utils import timezone

from shortvideo.cloud import CloudError

from .leases import Heartbeat, lease_end
from .models import PeriodicTask

logger = logging.getLogger(__name__)

Work = Callable[[], None]


class NotNow(Exception):
    """Raised by a periodic task that something stands in the way of; the text is one sentence.

    Attributes:
        again_in: when it is due again, instead of a whole period later.
    """

    def __init__(self, reason: str, *, again_in: timedelta) -> None:
        super().__init__(reason)
        self.again_in = again_in


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
    due one period after the end of this one, or when the task says so (`NotNow`). What it raises is
    logged and shown on its row.
    """

    def register(work: Work) -> Work:
        _registered[name] = Registered(name, every, work)
        return work

    return register


def due_names() -> list[str]:
    """The registered tasks that are due and in nobody's hands, unknown ones entered first."""
    now = timezone.now()
    rows = PeriodicTask.objects.filter(name__in=list(_registered))
    for name in _registered.keys() - set(rows.values_list("name", flat=True)):
        due_at = now + _registered[name].every
        PeriodicTask.objects.get_or_create(name=name, defaults={"due_at": due_at})
    return sorted(rows.due(now).values_list("name", flat=True))


def run(name: str) -> int:
    """Run a task that is due, unless another worker does; returns 1 when it ran here, else 0."""
    task = _registered[name]
    token, now = uuid4(), timezone.now()
    due = PeriodicTask.objects.due(now).filter(name=name)
    if not _update(due, lease_token=token, lease_until=lease_end(now), last_run_at=now):
        return 0
    held = PeriodicTask.objects.filter(name=name, lease_token=token)
    with Heartbeat(lambda: _extend(held)):
        pause, error = _carry_out(task)
    ended = timezone.now()
    is_finished = _update(
        held,
        lease_token=None,
        lease_until=None,
        due_at=ended + pause,
        last_finished_at=ended,
        last_error=error,
    )
    if not is_finished:
        logger.warning("The lease of a periodic task was lost", extra={"task": name})
    return 1


def _extend(held: models.QuerySet[PeriodicTask]) -> None:
    _update(held, lease_until=lease_end(timezone.now()))


@transaction.atomic
def _update(tasks: models.QuerySet[PeriodicTask], **values: Any) -> int:
    """How many rows were there to change. In a transaction: on SQLite only these wait fairly."""
    return tasks.update(**values)


def _carry_out(task: Registered) -> tuple[timedelta, str]:
    """Do the work; how long to wait for the next time, and an error as a sentence, or nothing."""
    try:
        task.work()
    except NotNow as obstacle:
        logger.info("A periodic task waits", extra={"task": task.name, "reason": str(obstacle)})
        return obstacle.again_in, str(obstacle)
    except CloudError as error:
        logger.warning("A periodic task failed", extra={"task": task.name, "reason": str(error)})
        return task.every, str(error)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        logger.exception("A periodic task failed", extra={"task": task.name})
        return task.every, f"{type(error).__name__}; the log tells more."
    return task.every, ""
