"""Deletion: the video leaves every list at once, then VOD and the CDN."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import journal
from accounts.models import Operator
from shortvideo.errors import InvalidState
from shortvideo.outbox import services as outbox
from shortvideo.outbox.models import Delivery
from videos.models import CensorStatus, ReviewClaim, ReviewTask, TaskCause, Video, VideoDeletion
from videos.services import announcements, evidence, takedown
from videos.services.claim import end_claims
from videos.services.standing import Seen, Standing, check_seen
from videos.services.task import open_task


@transaction.atomic
def delete_video(
    video: Video,
    *,
    operator: Operator | None = None,
    request_id: str = "",
    seen: Seen | None = None,
) -> VideoDeletion | None:
    """Delete a video, here at once and in VOD soon after. None if it was deleted already.

    The pictures of a blocked clip are archived first. Only VOD's refusal undeletes the video, no
    sync and no event. Raises NeedsConfirmation if the review is not as it was `seen`.
    """
    video = Video.objects.select_for_update().get(pk=video.pk)
    if video.deleted_at is not None:
        return None
    if seen is not None:
        check_seen(Standing.read(video), seen)
    archived = takedown.archive_before_deletion(video)
    delivery = outbox.send("delete_video", subject=video.vod_id, after=archived)
    deletion = VideoDeletion.objects.create(
        video=video, operator=operator, request_id=request_id, delivery=delivery
    )
    takedown.begin_deletion_takedown(video, deletion, after=delivery)
    set_tombstone(video, deletion)
    journal.log_action(operator, video, "delete", request_id=request_id)
    return deletion


def set_tombstone(video: Video, deletion: VideoDeletion) -> None:
    """Hide a locked video from every list and close its review tasks.

    Its evidence expires EVIDENCE_DAYS after VOD has deleted the video. A repeated deletion only
    sets that.
    """
    now = timezone.now()
    if deletion.state == VideoDeletion.State.DONE:
        evidence.set_expiry(video, deleted_at=now)
    if video.deleted_at is not None:
        return
    video.deleted_at = video.changed_at = now
    video.save(update_fields=["deleted_at", "changed_at"])
    ReviewTask.objects.filter(video=video, closed_at=None).update(closed_at=now)
    end_claims(ReviewClaim.objects.filter(video=video), ReviewClaim.End.OVERTAKEN)
    announcements.emit_deletion(video, deletion)


def undelete(video: Video, deletion: VideoDeletion, *, code: str = "", problem: str = "") -> None:
    """Remove the tombstone of a locked video and end the takedown of its deletion.

    `code` and `problem` are VOD's refusal to delete the video, if there was one.
    """
    evidence.set_expiry(video, deleted_at=None)
    takedown.cancel_deletion_takedown(video, deletion, problem=problem)
    if video.deleted_at is None:
        return
    video.deleted_at, video.changed_at = None, timezone.now()
    video.save(update_fields=["deleted_at", "changed_at"])
    announcements.emit_undeletion(video, code=code, message=problem)
    if video.censor_status == CensorStatus.CHECK:
        open_task(video, TaskCause.RECHECK)


@transaction.atomic
def request_undeletion(
    video: Video, *, operator: Operator | None = None, request_id: str = ""
) -> Delivery:
    """Have the worker read a video that VOD did not have; it is undeleted if VOD has it now.

    Raises InvalidState if the video is not deleted, or was deleted by an operator.
    """
    video = Video.objects.select_for_update().get(pk=video.pk)
    check_undeletable(video)
    journal.log_action(operator, video, "take back", request_id=request_id)
    payload = {"request_id": request_id, "is_restoring": True}
    return outbox.send("read_video", subject=video.vod_id, payload=payload)


def is_undeletable(video: Video) -> bool:
    """Whether a sync or an event has deleted the video: an operator's deletion is final."""
    return video.deleted_at is not None and deletion_in_force(video).delivery_id is None


def check_undeletable(video: Video) -> None:
    """Raise InvalidState unless the video is undeletable."""
    if video.deleted_at is None:
        raise InvalidState(_("It is not deleted."))
    if not is_undeletable(video):
        raise InvalidState(_("It was deleted here: VOD deletes it too."))


def deletion_in_force(video: Video) -> VideoDeletion:
    """The deletion that set the tombstone of a video."""
    return video.deletions.order_by("-id")[0]
