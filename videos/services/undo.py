"""Undo a decision before it is sent to VOD. It costs no call, and the log keeps both lines."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts.models import Operator
from shortvideo.errors import InvalidState
from shortvideo.outbox import services as outbox
from shortvideo.outbox.models import DeliveryState
from videos.models import CensorStatus, Decision, ReviewDecision, ReviewTask, Source, Video
from videos.services import announcements, takedown
from videos.services.machine_review import decide_by_machine_review
from videos.services.review import DecisionInput, add_to_log
from videos.services.standing import (
    ALREADY_SENT,
    deliveries_of_decision,
    describe_review,
    latest_decision,
    resend_decision,
    standing_decision,
    undo_refusal,
)
from videos.services.status import update_status


@transaction.atomic
def undo_review(
    decision: ReviewDecision, *, operator: Operator | None = None, request_id: str = ""
) -> ReviewDecision:
    """Undo the latest decision about a video, made at the desk a few seconds ago.

    1. Cancel its delivery, and all deliveries after it.
    2. Add the line `Undo` to the log.
    3. Restore the status, the last block (with it recommendations) and the review tasks.
    4. Send the decision now in force if it is unsent, and resume the takedown of a block in force.
    5. Apply what the machine and VOD said in the meantime.

    Returns the new line of the log. Raises InvalidState if it is too late, Video.DoesNotExist if
    the video was deleted.
    """
    video = Video.objects.visible().select_for_update().get(pk=decision.video_id)
    decision = video.decisions.select_related("delivery").get(pk=decision.pk)
    now = timezone.now()
    if refusal := undo_refusal(decision, now):
        latest = latest_decision(video)
        review = f" {describe_review(video, latest)}" if latest != decision else ""
        raise InvalidState(f"{refusal}{review}")
    _cancel_delivery(decision)
    new = DecisionInput(Decision.UNDO, Source.ADMIN, operator=operator, request_id=request_id)
    line = add_to_log(video, new, to_status=decision.from_status, at=now, undoes=decision)
    _restore_status(video, decision, now)
    announcements.emit_decision(line)
    _resend_standing_decision(video)
    _restore_takedown(video, decision)
    _catch_up(video, decision, now)
    return line


def undoable_decision(video: Video, latest: ReviewDecision | None = None) -> ReviewDecision | None:
    """The decision about a video that can be undone right now.

    `latest` is the last decision in force about the present source, if the caller has read it.
    """
    is_known = latest is not None
    if latest is None:
        in_force = video.decisions.in_force().select_related("delivery")
        latest = in_force.order_by("-id").first()
    if latest is None or undo_refusal(latest, timezone.now(), is_known_latest=is_known):
        return None
    return latest


def undo_milliseconds(decision: ReviewDecision) -> int:
    """How long a decision that was just made can be undone; 0 if it is sent at once."""
    if decision.delivery is None:
        return 0
    left = decision.delivery.due_at - timezone.now()
    return max(0, round(left.total_seconds() * 1000))


def _cancel_delivery(decision: ReviewDecision) -> None:
    """Cancel the delivery and all after it. Raises InvalidState if a worker was faster."""
    assert decision.delivery is not None  # noqa: S101 - `undo_refusal` has checked it
    try:
        outbox.cancel(decision.delivery)
    except outbox.DeliveryStateError as error:
        raise InvalidState(ALREADY_SENT) from error


def _restore_status(video: Video, decision: ReviewDecision, now: datetime) -> None:
    """Restore the status, `blocked_at`, and the tasks that the decision closed."""
    names = video.set_censor_status(CensorStatus(decision.from_status), at=now)
    video.blocked_at = decision.blocked_at_before
    video.save(update_fields=names)
    # The decision closed its tasks at `created_at`. A task of the same cause may be open since.
    tasks = ReviewTask.objects.filter(video=video)
    open_causes = list(tasks.filter(closed_at=None).values_list("cause", flat=True))
    closed = tasks.filter(closed_at=decision.created_at).exclude(cause__in=open_causes)
    closed.update(closed_at=None)


def _resend_standing_decision(video: Video) -> None:
    """Send the standing decision again if the undone one had superseded its delivery."""
    standing = standing_decision(video)
    if standing is None:
        return
    last = deliveries_of_decision(standing).last()
    if last is not None and last.state == DeliveryState.SUPERSEDED:
        resend_decision(standing)


def _restore_takedown(video: Video, decision: ReviewDecision) -> None:
    """End the takedown of an undone block; resume that of a block that stands again."""
    if decision.decision == Decision.BLOCKED:
        takedown.cancel_block_takedowns(video)
    if video.is_blocked:
        takedown.resume_block_takedown(video)


def _catch_up(video: Video, decision: ReviewDecision, now: datetime) -> None:
    """Apply what the machine and VOD said since the decision, which it had overruled."""
    since = video.machine_reviews.filter(
        source_version=video.source_version, received_at__gt=decision.created_at
    ).first()
    if since is not None:
        decide_by_machine_review(video, since)
        video.refresh_from_db()
    before = CensorStatus(video.censor_status)
    has_news = video.read_at is not None and video.read_at > decision.created_at
    if has_news and update_status(video, at=now):
        video.save(update_fields=["censor_status", "censor_changed_at", "changed_at", "blocked_at"])
        announcements.emit_status_change(video, before=before, source=Source.SYSTEM)
