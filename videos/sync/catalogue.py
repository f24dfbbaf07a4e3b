"""The walk through VOD's catalogue, from the oldest video to the newest, page by page.

The checkpoint is a moment, not a token: VOD's tokens expire, and a moment survives a kill. A page
that was applied but not noted is read again, which changes nothing.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import uuid4

from django.utils import timezone

from shortvideo.cloud import CloudError, CloudRejected, CloudUnavailable, vod_gateway
from shortvideo.cloud.types import MediaFacts, SearchPage
from videos.models import SyncRun
from videos.sync.page import take_in
from videos.sync.patience import patiently

PAGE_SIZE: Final = 100
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
MAX_PAGES: Final = 50  # of 100: what VOD reaches by page number
TOKEN_EXPIRED: Final = "InvalidScrollToken.Expired"  # noqa: S105 - an error code


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
    begin(run)
    old_stock_until = run.started_at if is_first_import(run) else None
    try:
        for page in pages(run):
            result = take_in(page.videos, old_stock_until=old_stock_until, dry_run=run.is_dry_run)
            failed_count = page.unreadable_count + result.failed_count
            run.seen_count += page.row_count
            run.new_count += result.applied.new
            run.changed_count += result.applied.changed
            run.failed_count += failed_count
            run.unchanged_count += (
                page.row_count - result.applied.new - result.applied.changed - failed_count
            )
            if page.videos:
                run.checkpoint = moment_of(run, page.videos[-1]) or run.checkpoint
            save(run)
            yield page.row_count
    except TakenOver:
        raise
    except CloudError as error:
        run.state, run.error = SyncRun.State.FAILED, str(error)
        save(run)
        raise
    run.state, run.finished_at = SyncRun.State.DONE, timezone.now()
    save(run)


class TakenOver(CloudError):
    """Another process goes on with this run; the text is one sentence, fit to show."""


def begin(run: SyncRun) -> None:
    """Write a new run, or take an unfinished one over: whoever walked it finds out at its save."""
    if run.is_dry_run:
        return
    run.saved_at = timezone.now()
    if run._state.adding:
        run.save()
    else:
        run.save(update_fields=["claim", "state", "until", "error", "saved_at"])


def save(run: SyncRun) -> None:
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


def is_first_import(run: SyncRun) -> bool:
    return run.kind == SyncRun.Kind.FULL and last_start() is None


def pages(run: SyncRun) -> Iterator[SearchPage]:
    """The pages from the checkpoint on; where a walk ends before its window, another follows."""
    while True:
        start = run.checkpoint
        walked = total = 0
        for page in one_walk(run):
            total = total or page.total
            run.expected_count = max(run.expected_count, run.seen_count + total - walked)
            walked += page.row_count
            yield page
        if walked >= total:
            return
        if run.checkpoint == start:
            raise CloudUnavailable(f"VOD listed {walked} of {total} videos, and no more of them.")


def one_walk(run: SyncRun) -> Iterator[SearchPage]:
    """One walk by token; ends with the window, at VOD's limit, or when the token has expired.

    Without a token, or where one expires within a single moment, from which no other walk could
    go on, the next page is asked for by its number.
    """
    window, token, start = window_of(run), "", run.checkpoint
    page_no = 1
    while True:
        try:
            page = patiently(lambda: search(window, page_no, token))  # noqa: B023 - called at once
        except CloudRejected as error:
            if error.code != TOKEN_EXPIRED or not token:
                raise
            if run.checkpoint != start:
                return  # there is something to go on from
            token = ""
            if page_no > MAX_PAGES:
                raise
            continue
        yield page
        token, page_no = page.scroll_token, page_no + 1
        if page.row_count < PAGE_SIZE or (not token and page_no > MAX_PAGES):
            return


Window = tuple[Literal["CreationTime", "ModificationTime"], datetime | None, datetime]


def window_of(run: SyncRun) -> Window:
    """By what the run walks, from its checkpoint to its end."""
    by: Literal["CreationTime", "ModificationTime"] = (
        "CreationTime" if run.kind == SyncRun.Kind.FULL else "ModificationTime"
    )
    return by, run.checkpoint or run.since, run.until


def search(window: Window, page_no: int, token: str) -> SearchPage:
    by, start, end = window
    is_by_creation = by == "CreationTime"
    return vod_gateway().search(
        created_from=start if is_by_creation else None,
        created_before=end if is_by_creation else None,
        modified_from=None if is_by_creation else start,
        modified_before=None if is_by_creation else end,
        sort_by=by,
        page_no=page_no,
        page_size=PAGE_SIZE,
        scroll_token=token,
    )


def moment_of(run: SyncRun, facts: MediaFacts) -> datetime | None:
    is_full = run.kind == SyncRun.Kind.FULL
    return facts.creation_time if is_full else facts.modification_time


def forget_uneventful() -> None:
    """Delete the earlier runs that found nothing: one a minute would bury the others."""
    ended = SyncRun.objects.filter(kind=SyncRun.Kind.INCREMENTAL, state=SyncRun.State.DONE)
    latest = ended.order_by("-id").first()
    if latest is not None:
        ended.filter(pk__lt=latest.pk, new_count=0, changed_count=0, failed_count=0).delete()
