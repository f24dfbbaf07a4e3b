"""Decisions about videos: the log, the status, and what must reach VOD."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import Operator
from shortvideo.errors import InvalidState
from shortvideo.outbox import services as outbox
from shortvideo.outbox.models import DeliveryState
from videos.models import CensorStatus, Decision, ReviewDecision, ReviewTask, Source, Video
from videos.models.review import COMMENT_BYTES, REASON_BYTES
from videos.services import announcements, takedown

DELIVERED = (Source.API, Source.ADMIN, Source.MACHINE)  # what VOD does not know by itself


@transaction.atomic
def review_video(
    video: Video,
    *,
    decision: Decision,
    source: Source,
    operator: Operator | None = None,
    auditor: str = "",
    reason: str = "",
    comment: str = "",
    request_id: str = "",
    created_at: datetime | None = None,
) -> ReviewDecision:
    """Pass or block a video (or send it back to review), here at once and in VOD soon after.

    `created_at` is when it was decided, for what was decided elsewhere; else it is now.

    Repeating what already stands adds nothing and returns the standing decision, unless somebody
    else may still undo that: then what was answered here would go with it.

    Raises InvalidState for a machine's verdict on what a person decided, Video.DoesNotExist for a
    deleted video, ValueError for a reason over 128 bytes, a missing one, or a comment over 480
    bytes.
    """
    _check_texts(decision, source, reason, comment)
    video = Video.objects.visible().select_for_update().get(pk=video.pk)
    standing = latest_human_decision(video)
    if standing is not None:
        if source == Source.MACHINE:
            raise InvalidState("A person has decided about this video.")
        is_own = (standing.source, standing.operator) == (source, operator)
        is_settled = is_own or not _may_be_undone(standing, timezone.now())
        if is_settled and _is_repeated(video, standing, decision, reason, comment):
            return standing
    if decision == Decision.BLOCKED:
        takedown.replace_earlier(video)
    else:
        takedown.cancel_block_takedowns(video)
    review = record_decision(
        video,
        decision=decision,
        source=source,
        operator=operator,
        auditor=auditor,
        reason=reason,
        comment=comment,
        request_id=request_id,
        created_at=created_at,
    )
    if decision == Decision.BLOCKED:
        takedown.begin_block_takedown(video, review)
    return review


def _check_texts(decision: Decision, source: Source, reason: str, comment: str) -> None:
    """Refuse what VOD would refuse; what VOD itself said is taken as it is."""
    if source == Source.VOD:
        return
    if decision == Decision.BLOCKED and not reason:
        raise ValueError("A reason is required to block.")
    if len(reason.encode()) > REASON_BYTES:
        raise ValueError(f"A reason has at most {REASON_BYTES} bytes of UTF-8.")
    if len(comment.encode()) > COMMENT_BYTES:
        raise ValueError(f"A comment has at most {COMMENT_BYTES} bytes of UTF-8.")


def latest_human_decision(video: Video) -> ReviewDecision | None:
    """The last decision of a person about the present version of the source."""
    return (
        video.decisions.by_people()
        .in_force()
        .filter(source_version=video.source_version)
        .order_by("-id")
        .first()
    )


def _is_repeated(
    video: Video, standing: ReviewDecision, decision: Decision, reason: str, comment: str
) -> bool:
    return (
        video.censor_status == standing.to_status
        and standing.decision == decision
        and (standing.reason, standing.comment) == (reason, comment)
    )


def _may_be_undone(decision: ReviewDecision, now: datetime) -> bool:
    """Whether it was made at the desk a few seconds ago, and no worker has touched it."""
    is_fresh = now < decision.created_at + timedelta(seconds=settings.REVIEW_UNDO_SECONDS)
    delivery = decision.delivery if decision.source == Source.ADMIN and is_fresh else None
    if delivery is None:
        return False
    return delivery.state == DeliveryState.WAITING and not delivery.claim_count


def record_decision(
    video: Video,
    *,
    decision: Decision,
    source: Source,
    operator: Operator | None = None,
    auditor: str = "",
    reason: str = "",
    comment: str = "",
    request_id: str = "",
    created_at: datetime | None = None,
) -> ReviewDecision:
    """Write one line of the log and what follows from it. The caller holds the video's lock.

    What is decided at the desk is delivered after the time in which it can be undone.
    """
    now = timezone.now()
    delivery = None
    if source in DELIVERED and decision != Decision.REVIEW:
        delivery = outbox.send(
            "create_audit",
            subject=video.vod_id,
            delay_seconds=settings.REVIEW_UNDO_SECONDS if source == Source.ADMIN else 0,
            supersede=True,
        )
    review = ReviewDecision.objects.create(
        video=video,
        source_version=video.source_version,
        operator=operator,
        auditor=auditor,
        decision=decision,
        source=source,
        from_status=video.censor_status,
        to_status=decision.censor_status,
        reason=reason,
        comment=comment,
        request_id=request_id,
        delivery=delivery,
        blocked_at_before=video.blocked_at,
        created_at=created_at or now,
    )
    video.save(update_fields=video.set_censor_status(decision.censor_status, at=now))
    announcements.emit_decision(review)
    if video.censor_status != CensorStatus.CHECK:
        ReviewTask.objects.open().filter(video=video).update(closed_at=now)
    return review
