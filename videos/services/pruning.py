"""Remove old lines from the log of decisions. Each removal leaves a row `LogPruning`."""

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.models import F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from shortvideo.errors import InvalidState
from shortvideo.outbox.models import OPEN_STATES, Delivery, DeliveryState
from videos.models import (
    Decision,
    Evidence,
    LogPruning,
    ReviewDecision,
    ReviewDecisionQuerySet,
    Takedown,
    append_only,
)

logger = logging.getLogger(__name__)

BATCH: Final = 50  # decisions in a transaction, which locks the log for all others
PAUSE_SECONDS: Final = 0.05  # between two batches, for those who wait
# A batch waits for transactions that have read the log, and all later ones wait behind the batch.
# So it waits briefly, and tries again later.
LOCK_MILLISECONDS: Final = 200
ATTEMPTS: Final = 30
RETRY_SECONDS: Final = 1.0
LOCK_NOT_AVAILABLE: Final = "55P03"  # PostgreSQL's code
UNSETTLED: Final = (*OPEN_STATES, DeliveryState.GIVEN_UP)  # a retry needs the decision
# A fresh decision may be undone: then the decision before it stands again.
FRESH: Final = timedelta(hours=1)


def check_old_enough(before: datetime) -> None:
    """Raise InvalidState for a time within the last EVIDENCE_DAYS."""
    earliest = timezone.localtime() - timedelta(days=settings.EVIDENCE_DAYS)
    if before > earliest:
        raise InvalidState(
            f"Decisions are kept for {settings.EVIDENCE_DAYS} days (EVIDENCE_DAYS): "
            f"the date must not be after {earliest:%Y-%m-%d}."
        )


def count_prunable(before: datetime) -> int:
    """How many lines would be removed, the `Undo` lines included."""
    decisions = _prunable(before)
    return decisions.count() + ReviewDecision.objects.filter(undoes__in=decisions).count()


def _prunable(before: datetime) -> ReviewDecisionQuerySet:
    """The decisions older than `before` that are not needed any more.

    Kept are the last decision about the present source of a video and a person's last decision,
    all decisions about a clip whose evidence is kept, and those with an unsettled delivery or an
    unfinished takedown. The `Undo` line of a prunable decision is removed with it, but is not in
    this query.
    """
    present = ReviewDecision.objects.in_force().filter(
        video=OuterRef("video"), source_version=OuterRef("video__source_version")
    )
    fresh = ReviewDecision.objects.filter(created_at__gte=timezone.now() - FRESH)
    return (
        ReviewDecision.objects.filter(created_at__lt=before)
        .exclude(decision=Decision.UNDO)
        .exclude(undone_by__created_at__gte=before)
        .exclude(video__in=Evidence.objects.kept().of_blocks().values("video"))
        .exclude(video__in=fresh.values("video"))
        .exclude(delivery__state__in=UNSETTLED)
        .exclude(pk__in=_redelivered_decisions())
        .exclude(takedown__state__in=(Takedown.State.UNDER_WAY, Takedown.State.FAILED))
        .alias(last=_last_of(present), last_human=_last_of(present.by_people()))
        .exclude(Q(pk=F("last")) | Q(pk=F("last_human")))
    )


def _last_of(decisions: ReviewDecisionQuerySet) -> Coalesce:
    """The key of the newest decision; 0 if there is none."""
    return Coalesce(Subquery(decisions.order_by("-id").values("id")[:1]), 0)


def _redelivered_decisions() -> list[int]:
    """The decisions that unsettled deliveries repeat."""
    repeated = Delivery.objects.filter(kind="create_audit", payload__has_key="decision")
    unsettled = repeated.filter(state__in=UNSETTLED)
    return list(unsettled.values_list("payload__decision", flat=True))


def prune_log(before: datetime, *, run_by: str) -> Iterator[int]:
    """Remove old decisions in batches. Yields how many lines each batch removed.

    Each batch is a transaction that also writes a `LogPruning` with `run_by`. Raises InvalidState
    for a time within the last EVIDENCE_DAYS, OperationalError if the log is in use for too long.
    """
    check_old_enough(before)
    last_id = 0
    while ids := list(_candidates(before, last_id)):
        last_id = ids[-1]
        if removed := _remove_retrying(ids, before, run_by):
            yield removed
        time.sleep(PAUSE_SECONDS)


def _candidates(before: datetime, after_id: int) -> Iterable[int]:
    """The keys of the next batch, read without locking the log."""
    following = _prunable(before).filter(pk__gt=after_id).order_by("pk")
    return following.values_list("pk", flat=True)[:BATCH]


def _remove_retrying(ids: Sequence[int], before: datetime, run_by: str) -> int:
    for _ in range(ATTEMPTS - 1):
        try:
            return _remove(ids, before, run_by)
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", "") != LOCK_NOT_AVAILABLE:
                raise
        _wait_for_readers()
    return _remove(ids, before, run_by)


def _wait_for_readers() -> None:
    time.sleep(RETRY_SECONDS)


@transaction.atomic
def _remove(ids: Sequence[int], before: datetime, run_by: str) -> int:
    """Remove one batch, without decisions that are needed again by now."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_MILLISECONDS}ms'")
    with append_only.suspended():
        decisions = list(_prunable(before).filter(pk__in=ids).values_list("pk", flat=True))
        if not decisions:
            return 0
        undo_lines = ReviewDecision.objects.filter(undoes__in=decisions)
        removed = [*decisions, *undo_lines.values_list("pk", flat=True)]
        Takedown.objects.filter(decision__in=decisions).update(decision=None)
        undo_lines.delete()
        ReviewDecision.objects.filter(pk__in=decisions).delete()
        LogPruning.objects.create(
            before=before,
            decision_count=len(removed),
            first_id=min(removed),
            last_id=max(removed),
            run_by=run_by[:150],
        )
    logger.info("The log of decisions was pruned", extra={"count": len(removed)})
    return len(removed)
