"""Removing old lines from the log of decisions, which leaves a row that says so."""

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

BATCH: Final = 50  # decisions in a transaction, in which nobody else reaches the log
PAUSE_SECONDS: Final = 0.05  # between two, for those who wait
# A batch that waits for those who read the log has everybody else wait behind it: it waits briefly,
# and again later.
LOCK_MILLISECONDS: Final = 200
ATTEMPTS: Final = 30
RETRY_SECONDS: Final = 1.0
LOCK_NOT_AVAILABLE: Final = "55P03"  # PostgreSQL's code
UNSETTLED: Final = (*OPEN_STATES, DeliveryState.GIVEN_UP)  # who retries needs the decision
# A fresh decision may be undone: then the one before it stands again.
FRESH: Final = timedelta(hours=1)


def check_old_enough(before: datetime) -> None:
    """Raise ValueError for a moment within EVIDENCE_DAYS."""
    earliest = timezone.localtime() - timedelta(days=settings.EVIDENCE_DAYS)
    if before > earliest:
        raise ValueError(
            f"Decisions are kept for {settings.EVIDENCE_DAYS} days (EVIDENCE_DAYS): "
            f"the date must not be after {earliest:%Y-%m-%d}."
        )


def count_prunable(before: datetime) -> int:
    """How many lines would be removed, those of undoing included."""
    decisions = _prunable(before)
    return decisions.count() + ReviewDecision.objects.filter(undoes__in=decisions).count()


def _prunable(before: datetime) -> ReviewDecisionQuerySet:
    """The decisions older than `before` that nothing needs any more.

    Kept are what stands about a video (the last word about its present source, a person's last
    word), all about a clip whose evidence is kept, and what a delivery or a takedown still carries
    out. The lines that undo one of these decisions go with it, and are not among them.
    """
    present = ReviewDecision.objects.in_force().filter(
        video=OuterRef("video"), source_version=OuterRef("video__source_version")
    )
    fresh = ReviewDecision.objects.filter(created_at__gte=timezone.now() - FRESH)
    return (
        ReviewDecision.objects.filter(created_at__lt=before)
        .exclude(decision=Decision.UNDO)
        .exclude(undone_by__created_at__gte=before)
        .exclude(video__in=Evidence.objects.kept().values("video"))
        .exclude(video__in=fresh.values("video"))
        .exclude(delivery__state__in=UNSETTLED)
        .exclude(pk__in=_redelivered_decisions())
        .exclude(takedown__state__in=(Takedown.State.UNDER_WAY, Takedown.State.FAILED))
        .alias(last=_last_of(present), last_human=_last_of(present.by_people()))
        .exclude(Q(pk=F("last")) | Q(pk=F("last_human")))
    )


def _last_of(decisions: ReviewDecisionQuerySet) -> Coalesce:
    """The key of the newest of them; 0 where there is none."""
    return Coalesce(Subquery(decisions.order_by("-id").values("id")[:1]), 0)


def _redelivered_decisions() -> list[int]:
    """The decisions that deliveries of their own carry over again."""
    repeated = Delivery.objects.filter(kind="create_audit", payload__has_key="decision")
    payloads = repeated.filter(state__in=UNSETTLED).values_list("payload", flat=True)
    return [payload["decision"] for payload in payloads]


def prune_log(before: datetime, *, run_by: str) -> Iterator[int]:
    """Remove batch after batch; yields how many lines each removed, those of undoing included.

    Each batch is a transaction with a row that stays and says who ran it. Raises ValueError for a
    moment within EVIDENCE_DAYS, OperationalError where the log is in use for longer than a batch
    is tried.
    """
    check_old_enough(before)
    last_id = 0
    while ids := list(_candidates(before, last_id)):
        last_id = ids[-1]
        if removed := _remove_retrying(ids, before, run_by):
            yield removed
        time.sleep(PAUSE_SECONDS)


def _candidates(before: datetime, after_id: int) -> Iterable[int]:
    """The keys of the next batch, found while others still reach the log."""
    following = _prunable(before).filter(pk__gt=after_id).order_by("pk")
    return following.values_list("pk", flat=True)[:BATCH]


def _remove_retrying(ids: Sequence[int], before: datetime, run_by: str) -> int:
    for _ in range(ATTEMPTS - 1):
        try:
            return _remove(ids, before, run_by)
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", "") != LOCK_NOT_AVAILABLE:
                raise
        _let_others_go_on()
    return _remove(ids, before, run_by)


def _let_others_go_on() -> None:
    time.sleep(RETRY_SECONDS)


@transaction.atomic
def _remove(ids: Sequence[int], before: datetime, run_by: str) -> int:
    """Remove one batch, as far as nothing has come to need it since."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_MILLISECONDS}ms'")
    with append_only.suspended():
        going = list(_prunable(before).filter(pk__in=ids).values_list("pk", flat=True))
        if not going:
            return 0
        undoing = ReviewDecision.objects.filter(undoes__in=going)
        removed = [*going, *undoing.values_list("pk", flat=True)]
        Takedown.objects.filter(decision__in=going).update(decision=None)
        undoing.delete()
        ReviewDecision.objects.filter(pk__in=going).delete()
        LogPruning.objects.create(
            before=before,
            decision_count=len(removed),
            first_id=min(removed),
            last_id=max(removed),
            run_by=run_by[:150],
        )
    logger.info("The log of decisions was pruned", extra={"count": len(removed)})
    return len(removed)
