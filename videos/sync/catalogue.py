"""Runs of the sync: a walk through VOD's catalogue that takes in page after page.

A page that was applied but not noted as the checkpoint is read again, which changes nothing.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from django.utils import timezone

from shortvideo.cloud import CloudError
from videos.models import SyncRun
from videos.sync.page import apply_page
from videos.sync.walking import Walk, pages

# How far an incremental run reaches back behind the start of the run before it.
OVERLAP: Final = timedelta(minutes=10)
# VOD's clock may be ahead of ours: what it calls the present is read too.
CLOCK_SKEW: Final = timedelta(minutes=1)
# A run that was not saved for so long has nobody who walks it.
STALE_AFTER: Final = timedelta(minutes=10)
PROGRESS: Final = (
    "state", "checkpoint", "expected_count", "seen_count", "new_count", "changed_count",
    "unchanged_count", "failed_count", "error", "saved_at", "finished_at",
)  # fmt: skip


def resume_or_start(
    *, is_full: bool = False, since: datetime | None = None, dry_run: bool = False
) -> SyncRun:
    """The unfinished run of the same kind, else a new one. Whoever walked it before has lost it.

    Without `is_full` and `since` it reads what was modified since the last run that ended; where
    there was none, everything. A dry run is kept nowhere, and starts anew each time.
    """
    begun = None if is_full or since else last_start()
    kind = SyncRun.Kind.INCREMENTAL if begun else SyncRun.Kind.FULL
    now = timezone.now()
    if not dry_run:
        unfinished = SyncRun.objects.filter(kind=kind, is_dry_run=False).exclude(
            state=SyncRun.State.DONE
        )
        if kind == SyncRun.Kind.FULL:
            unfinished = unfinished.filter(since=since)
        run = unfinished.order_by("-id").first()
        if run is not None:
            run.state, run.until, run.error = SyncRun.State.RUNNING, now + CLOCK_SKEW, ""
            run.claim = uuid4()
            return run
    return SyncRun(
        claim=uuid4(),
        kind=kind,
        since=begun - OVERLAP if begun else since,
        until=now + CLOCK_SKEW,
        is_dry_run=dry_run,
        started_at=now,
    )


def last_start() -> datetime | None:
    """When the last run that reached its end had started; of full ones, those of everything."""
    ended = SyncRun.objects.filter(state=SyncRun.State.DONE, is_dry_run=False)
    whole = ended.filter(kind=SyncRun.Kind.FULL, since=None)
    if not whole.exists():
        return None
    comparable = ended.exclude(kind=SyncRun.Kind.FULL, since__isnull=False)
    return comparable.order_by("-started_at").values_list("started_at", flat=True).first()


def walk(run: SyncRun) -> Iterator[int]:
    """Take in page after page, and yield how many videos each had.

    What was read is kept, and the run goes on from there when it is resumed. Raises CloudError
    where VOD is not available for long, or refuses: the run is then marked as failed; TakenOver
    where somebody else goes on with the run.
    """
    _begin(run)
    backlog_until = run.started_at if _is_first_import(run) else None
    course = _walk_of(run)
    try:
        for page in pages(course):
            run.expected_count = max(run.expected_count, run.seen_count + course.rest_count)
            result = apply_page(page.videos, backlog_until=backlog_until, dry_run=run.is_dry_run)
            failed_count = page.unreadable_count + result.failed_count
            run.seen_count += page.row_count
            run.new_count += result.applied.new
            run.changed_count += result.applied.changed
            run.failed_count += failed_count
            run.unchanged_count += (
                page.row_count - result.applied.new - result.applied.changed - failed_count
            )
            run.checkpoint = course.position
            _save(run)
            yield page.row_count
    except TakenOver:
        raise
    except CloudError as error:
        run.state, run.error = SyncRun.State.FAILED, str(error)
        _save(run)
        raise
    run.state, run.finished_at = SyncRun.State.DONE, timezone.now()
    _save(run)


class TakenOver(CloudError):
    """Another process goes on with this run; the text is one sentence, fit to show."""


def _begin(run: SyncRun) -> None:
    """Write a new run, or take an unfinished one over: whoever walked it finds out at its save."""
    if run.is_dry_run:
        return
    run.saved_at = timezone.now()
    if run._state.adding:
        run.save()
    else:
        run.save(update_fields=["claim", "state", "until", "error", "saved_at"])


def _save(run: SyncRun) -> None:
    """Write how far the run has come. Raises TakenOver where it is no longer ours."""
    if run.is_dry_run:
        return
    run.saved_at = timezone.now()
    values = {name: getattr(run, name) for name in PROGRESS}
    if not SyncRun.objects.filter(pk=run.pk, claim=run.claim).update(**values):
        raise TakenOver("Another process has gone on with this sync.")


def is_under_way() -> bool:
    """Whether somebody walks an incremental run now, as far as its last save tells."""
    alive_since = timezone.now() - STALE_AFTER
    return SyncRun.objects.filter(
        kind=SyncRun.Kind.INCREMENTAL, state=SyncRun.State.RUNNING, saved_at__gt=alive_since
    ).exists()


def _is_first_import(run: SyncRun) -> bool:
    return run.kind == SyncRun.Kind.FULL and last_start() is None


def _walk_of(run: SyncRun) -> Walk:
    """From the run's checkpoint to its end."""
    is_full = run.kind == SyncRun.Kind.FULL
    return Walk(
        "CreationTime" if is_full else "ModificationTime", run.until, run.checkpoint or run.since
    )


def delete_uneventful() -> None:
    """Delete the earlier runs that found nothing: one a minute would bury the others."""
    ended = SyncRun.objects.filter(kind=SyncRun.Kind.INCREMENTAL, state=SyncRun.State.DONE)
    latest = ended.order_by("-id").first()
    if latest is not None:
        ended.filter(pk__lt=latest.pk, new_count=0, changed_count=0, failed_count=0).delete()
