"""Runs of the sync: a walk through VOD's catalogue that applies page after page.

A page that was applied, but not saved as the checkpoint, is read again: that changes nothing.
"""

from collections.abc import Generator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from django.db.models import QuerySet
from django.utils import timezone

from shortvideo.cloud import CloudError
from videos.models import SyncRun
from videos.services import runs
from videos.services.runs import TakenOver
from videos.sync.page import apply_page
from videos.sync.walking import Walk, pages

# How far an incremental run reaches back behind the start of the run before it.
OVERLAP: Final = timedelta(minutes=10)
# A save costs as much as a tenth of a page. Pages that were not saved are read again.
SAVED_EVERY: Final = timedelta(seconds=1)
# VOD's clock may be ahead of ours.
CLOCK_SKEW: Final = timedelta(minutes=1)


def resume_or_start(
    *, is_full: bool = False, since: datetime | None = None, dry_run: bool = False
) -> SyncRun:
    """Return the unfinished run of the same kind, else a new one. `walk` takes it over.

    Without `is_full` and `since`, the run reads what was modified since the last complete run;
    everything if there is none. A dry run is never stored or resumed.
    """
    last_started_at = None if is_full or since else last_start()
    kind = SyncRun.Kind.INCREMENTAL if last_started_at else SyncRun.Kind.FULL
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
        since=last_started_at - OVERLAP if last_started_at else since,
        until=now + CLOCK_SKEW,
        is_dry_run=dry_run,
        started_at=now,
    )


def last_start() -> datetime | None:
    """Return when the last complete run started; None before the first import is complete.

    Runs of a part of the catalogue (`--since`) do not count.
    """
    if first_import_start() is None:
        return None
    of_all = _done().exclude(kind=SyncRun.Kind.FULL, since__isnull=False)
    return of_all.order_by("-started_at").values_list("started_at", flat=True).first()


def first_import_start() -> datetime | None:
    """Return when the first complete import of everything started."""
    imports = _done().filter(kind=SyncRun.Kind.FULL, since=None)
    return imports.order_by("id").values_list("started_at", flat=True).first()


def _done() -> QuerySet[SyncRun]:
    return SyncRun.objects.filter(state=SyncRun.State.DONE, is_dry_run=False)


def walk(run: SyncRun) -> Generator[int]:
    """Apply page after page, and yield the number of videos of each.

    Progress is kept: a resumed run continues from its checkpoint. Raises CloudError if VOD stays
    unavailable or refuses: the run is then marked as failed, as it is if it is interrupted or the
    generator is closed before its end. Raises TakenOver if another process
    has taken the run over.
    """
    if not run.is_dry_run:
        run.saved_at = timezone.now()
        run.save()
    is_first_import = run.kind == SyncRun.Kind.FULL and first_import_start() is None
    backlog_until = run.started_at if is_first_import else None
    course = _walk_of(run)
    try:
        for page in pages(course):
            run.expected_count = max(run.expected_count, run.seen_count + course.rest_count)
            applied, failed_count = apply_page(
                page.videos, backlog_until=backlog_until, dry_run=run.is_dry_run
            )
            failed_count += page.unreadable_count
            run.seen_count += page.row_count
            run.new_count += applied.new
            run.changed_count += applied.changed
            run.failed_count += failed_count
            run.unchanged_count += page.row_count - applied.new - applied.changed - failed_count
            run.checkpoint = course.position
            if timezone.now() - run.saved_at > SAVED_EVERY:
                _save(run)
            yield page.row_count
    except TakenOver:
        raise
    except CloudError as error:
        _fail(run, str(error))
        raise
    except BaseException as error:
        with suppress(TakenOver):
            _fail(run, runs.describe_end(error))
        raise
    run.state, run.finished_at = SyncRun.State.DONE, timezone.now()
    _save(run)


def _fail(run: SyncRun, error: str) -> None:
    run.state, run.error = SyncRun.State.FAILED, error
    _save(run)


def _save(run: SyncRun) -> None:
    """Raises TakenOver."""
    if not run.is_dry_run:
        runs.save_run(run, claim=run.claim)


def is_under_way() -> bool:
    """Whether another process walks an incremental run now, judging by its last save."""
    return SyncRun.objects.filter(
        kind=SyncRun.Kind.INCREMENTAL,
        state=SyncRun.State.RUNNING,
        saved_at__gt=runs.stale_before(),
    ).exists()


def _walk_of(run: SyncRun) -> Walk:
    """Return the walk from the run's checkpoint to its end."""
    is_full = run.kind == SyncRun.Kind.FULL
    return Walk(
        "CreationTime" if is_full else "ModificationTime", run.until, run.checkpoint or run.since
    )


def delete_uneventful() -> None:
    """Delete incremental runs that found nothing, except the latest: there is one a minute."""
    done = SyncRun.objects.filter(kind=SyncRun.Kind.INCREMENTAL, state=SyncRun.State.DONE)
    runs.delete_uneventful(done, new_count=0, changed_count=0, failed_count=0)
