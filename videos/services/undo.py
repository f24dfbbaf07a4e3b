"""Taking a decision back before VOD is told of it: it costs no call, and leaves two lines."""

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import Operator
from shortvideo.errors import InvalidState
from shortvideo.outbox import services as outbox
from shortvideo.outbox.models import DeliveryState
from videos.models import CensorStatus, Decision, ReviewDecision, ReviewTask, Source, Video
from videos.services import announcements, takedown
from videos.services.machine_review import decide_by_machine_review
from videos.services.standing import deliveries_of_decision, resend_decision, standing_decision
from videos.services.status import update_status

TOLD: Final = "VOD is being told of it already: decide again instead."
STATUS_FIELDS: Final = ["censor_status", "censor_changed_at", "changed_at", "blocked_at"]


@transaction.atomic
def undo_review(
    decision: ReviewDecision, *, operator: Operator | None = None, request_id: str = ""
) -> ReviewDecision:
    """Take back the latest decision about a video, made at the desk a few seconds ago.

    The video is what it was before, with its recommendation, its open tasks and the takedown of
    the block that stands again. Returns the line of the log that says so.

    Raises InvalidState when it is too late, Video.DoesNotExist for a deleted video.
    """
    video = Video.objects.visible().select_for_update().get(pk=decision.video_id)
    decision = video.decisions.select_related("delivery").get(pk=decision.pk)
    now = timezone.now()
    if refusal := _undo_refusal(decision, now):
        raise InvalidState(refusal)
    _cancel_delivery(decision)
    line = ReviewDecision.objects.create(
        video=video,
        source_version=decision.source_version,
        operator=operator,
        decision=Decision.UNDO,
        source=Source.ADMIN,
        from_status=video.censor_status,
        to_status=decision.from_status,
        undoes=decision,
        blocked_at_before=video.blocked_at,
        request_id=request_id,
        created_at=now,
    )
    _restore_status(video, decision, now)
    announcements.emit_decision(line)
    _resend_standing_decision(video)
    _restore_takedown(video, decision)
    _catch_up(video, decision, now)
    return line


def _undo_refusal(decision: ReviewDecision, now: datetime) -> str:
    """Why a decision cannot be undone, in one sentence; "" when it can, as far as the rows tell."""
    seconds = settings.REVIEW_UNDO_SECONDS
    delivery = decision.delivery
    if decision.source != Source.ADMIN or delivery is None:
        return "Only what was decided at the desk can be undone: decide again instead."
    if now >= decision.created_at + timedelta(seconds=seconds):
        return f"The {seconds} seconds for undoing are over: decide again instead."
    if decision.undone_by.exists():
        return "It was undone already."
    if not _is_latest(decision):
        return "There is another decision or another source since: decide again instead."
    return TOLD if delivery.state != DeliveryState.WAITING or delivery.claim_count else ""


def _is_latest(decision: ReviewDecision) -> bool:
    """Whether it is the last word about the present source of its video."""
    latest = decision.video.decisions.in_force().order_by("-id").first()
    return latest == decision and decision.source_version == decision.video.source_version


def undoable_decision(video: Video) -> ReviewDecision | None:
    """The decision about a video that can be undone right now."""
    latest = video.decisions.in_force().select_related("delivery").order_by("-id").first()
    return latest if latest is not None and not _undo_refusal(latest, timezone.now()) else None


def _cancel_delivery(decision: ReviewDecision) -> None:
    """Cancel what would tell VOD; what comes after it goes with it."""
    assert decision.delivery is not None  # noqa: S101 - `refusal_of` has looked
    try:
        outbox.cancel(decision.delivery)
    except outbox.DeliveryStateError as error:
        raise InvalidState(TOLD) from error


def _restore_status(video: Video, decision: ReviewDecision, now: datetime) -> None:
    """Put back the status, the moment of the last block, and the tasks that the decision closed."""
    names = video.set_censor_status(CensorStatus(decision.from_status), at=now)
    video.blocked_at = decision.blocked_at_before
    video.save(update_fields=names)
    # A decision closes the tasks at its own moment, by which they are known; one of the same
    # cause may have been opened since.
    tasks = ReviewTask.objects.filter(video=video)
    open_causes = list(tasks.filter(closed_at=None).values_list("cause", flat=True))
    closed = tasks.filter(closed_at=decision.created_at).exclude(cause__in=open_causes)
    closed.update(closed_at=None)


def _resend_standing_decision(video: Video) -> None:
    """Send the decision that stands again, where the undone one had taken its delivery's place."""
    standing = standing_decision(video)
    if standing is None:
        return
    last = deliveries_of_decision(standing).last()
    if last is not None and last.state == DeliveryState.SUPERSEDED:
        resend_decision(standing)


def _restore_takedown(video: Video, decision: ReviewDecision) -> None:
    """End the takedown of an undone block; go on with that of a block that stands again."""
    if decision.decision == Decision.BLOCKED:
        takedown.cancel_block_takedowns(video)
    if video.is_blocked:
        takedown.resume_block_takedown(video)


def _catch_up(video: Video, decision: ReviewDecision, now: datetime) -> None:
    """Do what the machine and VOD have told meanwhile, which a person's decision stood against."""
    since = video.machine_reviews.filter(
        source_version=video.source_version, received_at__gt=decision.created_at
    ).first()
    if since is not None:
        decide_by_machine_review(video, since)
        video.refresh_from_db()
    before = CensorStatus(video.censor_status)
    has_news = video.read_at is not None and video.read_at > decision.created_at
    if has_news and update_status(video, at=now):
        video.save(update_fields=STATUS_FIELDS)
        announcements.emit_status_change(video, before=before, source=Source.SYSTEM)
