"""Runs: one at a time, saved while they last, and given up by whoever lost them."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Operator
from shortvideo.cloud import CloudError
from videos.models import ReconcileRun, Video

State = ReconcileRun.State
# A run that was not saved for so long has nobody who carries it out.
STALE_AFTER: Final = timedelta(minutes=10)
LOST: Final = "Its process ended before it did."
# What an operator asked for is begun anew so often in a day: it may be what kills its workers.
TAKEN_UP: Final = 3
PROGRESS: Final = (
    "state", "here_count", "there_count", "counts", "examples", "found_count", "left_count",
    "file_turns", "open_files", "error", "saved_at", "finished_at",
)  # fmt: skip


class AlreadyRunning(Exception):
    """Another reconciliation is under way; the text is one sentence, fit to show."""


class TakenOver(CloudError):
    """This run was given up for lost, and another may have begun."""


def last_done() -> ReconcileRun | None:
    """What the next run goes on from."""
    return ReconcileRun.objects.filter(state=State.DONE).order_by("-id").first()


def begin(*, is_heal: bool) -> ReconcileRun:
    """A new run of this process. Raises AlreadyRunning."""
    end_stale()
    try:
        with transaction.atomic():
            return ReconcileRun.objects.create(
                is_heal=is_heal, here_count=Video.objects.visible().count()
            )
    except IntegrityError as error:
        raise AlreadyRunning(_sentence_about_other()) from error


def request(*, is_heal: bool, operator: Operator) -> ReconcileRun:
    """A run that the worker begins within seconds. Raises AlreadyRunning where one is requested."""
    try:
        with transaction.atomic():
            return ReconcileRun.objects.create(
                state=State.REQUESTED, is_heal=is_heal, requested_by=operator
            )
    except IntegrityError as error:
        raise AlreadyRunning("A reconciliation has been requested already.") from error


def begin_requested() -> ReconcileRun | None:
    """The run that was requested, now of this process; None where there is none, or one runs."""
    run = ReconcileRun.objects.filter(state=State.REQUESTED).first()
    if run is None:
        return None
    end_stale()
    now = timezone.now()
    run.state, run.started_at, run.saved_at = State.RUNNING, now, now
    run.here_count = Video.objects.visible().count()
    try:
        with transaction.atomic():
            taken = ReconcileRun.objects.filter(pk=run.pk, state=State.REQUESTED).update(
                state=run.state,
                started_at=now,
                saved_at=now,
                here_count=run.here_count,
            )
    except IntegrityError:
        return None
    return run if taken else None


def end_stale() -> None:
    """End the run that has lost its process; what an operator asked for is requested once more."""
    now = timezone.now()
    stale = ReconcileRun.objects.filter(state=State.RUNNING, saved_at__lt=now - STALE_AFTER)
    for run in stale:
        if stale.filter(pk=run.pk).update(state=State.FAILED, error=LOST, finished_at=now):
            _request_again(run)


def _request_again(lost: ReconcileRun) -> None:
    operator = lost.requested_by
    if operator is None:
        return
    lately = ReconcileRun.objects.filter(
        requested_by=operator, error=LOST, started_at__gt=timezone.now() - timedelta(days=1)
    )
    if lately.count() <= TAKEN_UP:
        with suppress(AlreadyRunning):  # somebody has asked anew meanwhile
            request(is_heal=lost.is_heal, operator=operator)


def _sentence_about_other() -> str:
    other = ReconcileRun.objects.filter(state=State.RUNNING).first()
    since = f" since {timezone.localtime(other.started_at):%Y-%m-%d %H:%M}" if other else ""
    return f"Another reconciliation is running{since}; one can run at a time."


def save(run: ReconcileRun) -> None:
    """Write how far the run has come. Raises TakenOver where it was given up for lost."""
    run.saved_at = timezone.now()
    values = {name: getattr(run, name) for name in PROGRESS}
    if not ReconcileRun.objects.filter(pk=run.pk, state=State.RUNNING).update(**values):
        raise TakenOver("This reconciliation was given up for lost; another may be running.")


@contextmanager
def carrying_out(run: ReconcileRun) -> Iterator[None]:
    """End the run whatever happens: done, or failed with a sentence."""
    try:
        yield
    except TakenOver:
        raise
    except CloudError as error:
        _end(run, State.FAILED, str(error))
        raise
    except BaseException as error:
        _end(run, State.FAILED, f"It was ended by {type(error).__name__}.")
        raise
    _end(run, State.DONE)
    ReconcileRun.objects.filter(pk__lt=run.pk).exclude(open_files=[]).update(open_files=[])


def _end(run: ReconcileRun, state: ReconcileRun.State, error: str = "") -> None:
    run.state, run.error, run.finished_at = state, error, timezone.now()
    save(run)


def delete_uneventful() -> None:
    """Delete the earlier runs that found nothing, but for the latest."""
    latest = last_done()
    if latest is not None:
        ended = ReconcileRun.objects.filter(state=State.DONE, pk__lt=latest.pk)
        ended.filter(found_count=0).delete()
