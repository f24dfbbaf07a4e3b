"""Periodic tasks; one worker at a time runs each."""

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

_Work = Callable[[], None]


class NotNow(Exception):
    """A periodic task raises this when it cannot run yet. str() is one sentence, safe to show.

    Attributes:
        again_in: wait until the next run, instead of a whole period.
    """

    def __init__(self, reason: str, *, again_in: timedelta) -> None:
        super().__init__(reason)
        self.again_in = again_in


@dataclass(frozen=True, slots=True)
class _Task:
    name: str
    every: timedelta
    work: _Work


_registered: dict[str, _Task] = {}


def periodic(name: str, *, every: timedelta) -> Callable[[_Work], _Work]:
    """Register a function without arguments; import its module from `AppConfig.ready`.

    The first run is due one period after a worker first lists the task; each next run one period
    after the end of the last, or when the task says so (`NotNow`). A run is outside any
    transaction and beside the deliveries; a heartbeat extends its lease. Errors are logged and
    shown on the task's row.
    """

    def register(work: _Work) -> _Work:
        _registered[name] = _Task(name, every, work)
        return work

    return register


def due_names() -> list[str]:
    """Registered tasks that are due and not running; creates missing rows first."""
    now = timezone.now()
    rows = PeriodicTask.objects.filter(name__in=list(_registered))
    for name in _registered.keys() - set(rows.values_list("name", flat=True)):
        due_at = now + _registered[name].every
        PeriodicTask.objects.get_or_create(name=name, defaults={"due_at": due_at})
    return sorted(rows.due(now).values_list("name", flat=True))


def run(name: str) -> int:
    """Run a due task unless another worker has it; returns 1 if it ran here, else 0."""
    task = _registered[name]
    token, now = uuid4(), timezone.now()
    due = PeriodicTask.objects.due(now).filter(name=name)
    if not _update(due, lease_token=token, lease_until=lease_end(now), last_run_at=now):
        return 0
    held = PeriodicTask.objects.filter(name=name, lease_token=token)
    with Heartbeat(lambda: _update(held, lease_until=lease_end(timezone.now()))):
        wait, error = _run_work(task)
    ended = timezone.now()
    is_finished = _update(
        held,
        lease_token=None,
        lease_until=None,
        due_at=ended + wait,
        last_finished_at=ended,
        last_error=error,
    )
    if not is_finished:
        logger.warning("The lease of a periodic task was lost", extra={"task": name})
    return 1


@transaction.atomic
def _update(tasks: models.QuerySet[PeriodicTask], **values: Any) -> int:
    """Returns the number of changed rows. On SQLite only transactions wait for a fair turn."""
    return tasks.update(**values)


def _run_work(task: _Task) -> tuple[timedelta, str]:
    """Returns the wait until the next run, and an error sentence or ""."""
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
        return task.every, f"{type(error).__name__}; see the log."
    return task.every, ""
