"""Claims: each clip of the review queue is on one page at a time."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Operator
from shortvideo.errors import NeedsConfirmation
from videos.models import (
    ReviewClaim,
    ReviewClaimQuerySet,
    ReviewDecision,
    ReviewTask,
    ReviewTaskQuerySet,
    Video,
)

End = ReviewClaim.End
LEASE: Final = timedelta(seconds=150)  # hidden tabs beat once a minute
IDLE: Final = timedelta(minutes=10)
SKIPPED_FOR: Final = timedelta(hours=12)
COUNTED: Final = 10_001  # more tasks show as "10,000+"
_TRIES: Final = 5


def claim_clips(
    operator: Operator,
    page: UUID,
    *,
    limit: int,
    order: str = "oldest",
    skipped_since: datetime | None = None,
) -> list[ReviewClaim]:
    """Claim the next clips of the queue for a page, in their order; fewer if fewer wait.

    Clips that the operator skipped since `skipped_since` (by default: in the last 12 hours) and
    clips that wait for another person or role are left out. `order` is one of
    `ReviewTaskQuerySet.ORDERS`.
    """
    claimed: list[ReviewClaim] = []
    for _try in range(_TRIES):
        missing = limit - len(claimed)
        if not missing:
            break
        now = timezone.now()
        since = max(skipped_since or now - SKIPPED_FOR, now - SKIPPED_FOR)
        tasks = _free_tasks(operator, now, since).in_order(order)
        with transaction.atomic():
            ids = _lock_videos(tasks, missing)
            claimed += _insert_claims(operator, page, ids, now)
        if not ids:
            break  # other pages hold the rest
    return claimed


def claim_clip(operator: Operator, page: UUID, video: Video) -> ReviewClaim:
    """Claim this clip for a page, in the queue or not.

    Raises NeedsConfirmation, which names the holder, if another page holds it.
    """
    now = timezone.now()
    with transaction.atomic():
        claims = _insert_claims(operator, page, [video.pk], now)
    if claims:
        return claims[0]
    own = ReviewClaim.objects.of_page(page).open().filter(video=video).first()
    if own is not None:
        return own
    check_unclaimed(video)
    return claim_clip(operator, page, video)  # it was freed meanwhile


def waiting_count() -> int:
    """How many tasks are open, counted up to `COUNTED`.

    Only an index is read: a deletion closes the tasks of its video, and the order keeps PostgreSQL
    from reading the closed tasks on its way.
    """
    return ReviewTask.objects.filter(closed_at=None).oldest_first()[:COUNTED].count()


def renew_claims(page: UUID, *, idle: timedelta) -> int:
    """Extend the leases of a page whose moderator was last active `idle` ago. Returns how many.

    A lease lasts 150 s from now and never beyond 10 idle minutes.
    """
    now = timezone.now()
    until = min(now + LEASE, now - idle + IDLE)
    return ReviewClaim.objects.of_page(page).open().update(lease_until=until)


def end_claims(claims: ReviewClaimQuerySet, end: ReviewClaim.End) -> int:
    """End those of the claims that are open. Returns how many."""
    return claims.open().update(ended_at=timezone.now(), end=end)


def end_claims_by_decision(review: ReviewDecision, claim: ReviewClaim | None) -> None:
    """End the claims of a video about which a decision was made, on the page of `claim` or not."""
    ended = {"ended_at": review.created_at, "decision": review}
    claims = ReviewClaim.objects.open().filter(video_id=review.video_id)
    if claim is not None:
        claims.filter(pk=claim.pk).update(**ended, end=End.DECIDED)
    claims.update(**ended, end=End.OVERTAKEN)


def holder(video: Video) -> ReviewClaim | None:
    """The claim of the page that reviews the video now."""
    return video.claims.held().select_related("operator").first()


def check_unclaimed(video: Video, *, page: UUID | None = None) -> None:
    """Raise NeedsConfirmation, which names the holder, if another page reviews the video now."""
    claim = holder(video)
    if claim is not None and claim.page != page:
        raise NeedsConfirmation(describe_claim(claim))


def describe_claim(claim: ReviewClaim) -> str:
    """Say who reviews the clip, and since when."""
    return _("%(who)s is reviewing it since %(when)s.") % {
        "who": claim.operator,
        "when": f"{timezone.localtime(claim.claimed_at):%H:%M %z}",
    }


def _free_tasks(operator: Operator, now: datetime, skipped_since: datetime) -> ReviewTaskQuerySet:
    """The open tasks that may be handed to the operator.

    PostgreSQL walks along the index of the order and hashes each `NOT IN` list once. Of `NOT
    EXISTS` it makes joins: with 5,000 skipped clips that it had not counted yet, it compared each
    task with each of them for 2 to 8 seconds.
    """
    claims = ReviewClaim.objects.all()
    held = claims.open().filter(lease_until__gt=now)
    skipped = claims.filter(operator=operator, end=End.SKIPPED, ended_at__gte=skipped_since)
    elsewhere = ReviewTask.objects.addressed_elsewhere(operator)
    left_out = [~Q(video__in=rows.values("video")) for rows in (held, skipped, elsewhere)]
    return ReviewTask.objects.open().filter(*left_out)


def _lock_videos(tasks: ReviewTaskQuerySet, limit: int) -> list[int]:
    """Lock up to `limit` tasks and return their videos.

    PostgreSQL skips the tasks that another page is just claiming; SQLite has one writer at a time.
    """
    locked = tasks.select_for_update(skip_locked=True, of=("self",), no_key=True)
    return list(dict.fromkeys(locked.values_list("video_id", flat=True)[:limit]))


def _insert_claims(
    operator: Operator, page: UUID, ids: Collection[int], now: datetime
) -> list[ReviewClaim]:
    """Claim these videos, except those that another page has claimed since they were read."""
    expired = ReviewClaim.objects.open().filter(video__in=ids, lease_until__lte=now)
    expired.update(ended_at=F("lease_until"), end=End.EXPIRED)
    new = {"operator": operator, "page": page, "claimed_at": now, "lease_until": now + LEASE}
    ReviewClaim.objects.bulk_create(
        [ReviewClaim(video_id=pk, **new) for pk in ids], ignore_conflicts=True
    )
    inserted = ReviewClaim.objects.of_page(page).open().filter(video__in=ids, claimed_at=now)
    by_video = {claim.video_id: claim for claim in inserted.select_related("video__uploader")}
    return [by_video[pk] for pk in ids if pk in by_video]
