"""Runs of the reconciliation: one at a time, saved often, ended if their process was killed."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Operator
from shortvideo.cloud import CloudError
from shortvideo.errors import InvalidState
from videos.models import ReconcileRun, Video
from videos.services import runs
from videos.services.runs import TakenOver

State = ReconcileRun.State
LOST: Final = "Its process ended before it did."
# How often a day an operator's request starts again: it may be what kills the workers.
RESTARTS_A_DAY: Final = 3


class AlreadyRunning(InvalidState):
    """Another reconciliation is running or requested; str() is one sentence, safe to show."""


def last_done() -> ReconcileRun | None:
    """Return the run whose shares and open files the next run continues."""
    return ReconcileRun.objects.filter(state=State.DONE).order_by("-id").first()


def begin(*, is_heal: bool) -> ReconcileRun:
    """Start a run in this process. Raises AlreadyRunning."""
    end_stale()
    try:
        with transaction.atomic():
            return ReconcileRun.objects.create(
                is_heal=is_heal, here_count=Video.objects.visible().count()
            )
    except IntegrityError as error:
        raise AlreadyRunning(_sentence_about_other()) from error


def request(*, is_heal: bool, operator: Operator) -> ReconcileRun:
    """Request a run, which the worker starts within seconds.

    Raises AlreadyRunning if one is requested already.
    """
    try:
        with transaction.atomic():
            return ReconcileRun.objects.create(
                state=State.REQUESTED, is_heal=is_heal, requested_by=operator
            )
    except IntegrityError as error:
        raise AlreadyRunning("A reconciliation has been requested already.") from error


def begin_requested() -> ReconcileRun | None:
    """Start the requested run in this process; None if there is none or another one is running."""
    run = ReconcileRun.objects.filter(state=State.REQUESTED).first()
    if run is None:
        return None
    end_stale()
    run.state, run.started_at = State.RUNNING, timezone.now()
    run.here_count = Video.objects.visible().count()
    try:
        with transaction.atomic():
            runs.save_run(run, state=State.REQUESTED)
    except (IntegrityError, TakenOver):
        return None
    return run


def end_stale() -> None:
    """End the run whose process was killed, and request it again if an operator requested it."""
    stale = ReconcileRun.objects.filter(state=State.RUNNING, saved_at__lt=runs.stale_before())
    for run in stale:
        if stale.filter(pk=run.pk).update(
            state=State.FAILED, error=LOST, finished_at=timezone.now()
        ):
            _request_again(run)


def _request_again(lost: ReconcileRun) -> None:
    operator = lost.requested_by
    if operator is None:
        return
    lost_today = ReconcileRun.objects.filter(
        requested_by=operator, error=LOST, started_at__gt=timezone.now() - timedelta(days=1)
    )
    if lost_today.count() <= RESTARTS_A_DAY:
        with suppress(AlreadyRunning):  # another request came meanwhile
            request(is_heal=lost.is_heal, operator=operator)


def _sentence_about_other() -> str:
    other = ReconcileRun.objects.filter(state=State.RUNNING).first()
    since = f" since {timezone.localtime(other.started_at):%Y-%m-%d %H:%M %z}" if other else ""
    return f"Another reconciliation is running{since}; one can run at a time."


def save(run: ReconcileRun) -> None:
    """Save the progress of a running run. Raises TakenOver if it was ended as stale."""
    runs.save_run(run, state=State.RUNNING)


@contextmanager
def carrying_out(run: ReconcileRun) -> Iterator[None]:
    """End the run in any case: as done, or as failed with a sentence."""
    try:
        yield
    except TakenOver:
        raise
    except CloudError as error:
        _end(run, State.FAILED, str(error))
        raise
    except BaseException as error:
        _end(run, State.FAILED, runs.describe_end(error))
        raise
    _end(run, State.DONE)
    ReconcileRun.objects.filter(pk__lt=run.pk).exclude(open_files=[]).update(open_files=[])


def _end(run: ReconcileRun, state: ReconcileRun.State, error: str = "") -> None:
    run.state, run.error, run.finished_at = state, error, timezone.now()
    save(run)


def delete_uneventful() -> None:
    """Delete done runs that found nothing, except the latest done run."""
    runs.delete_uneventful(ReconcileRun.objects.filter(state=State.DONE), found_count=0)
