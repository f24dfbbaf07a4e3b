"""Deleting: gone from every list at once, then from VOD and the CDN."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import journal
from accounts.models import Operator
from shortvideo.errors import InvalidState
from shortvideo.outbox import services as outbox
from shortvideo.outbox.models import Delivery
from videos.models import ReviewTask, Video, VideoDeletion
from videos.services import announcements, takedown


@transaction.atomic
def delete_video(
    video: Video, *, operator: Operator | None = None, request_id: str = ""
) -> VideoDeletion | None:
    """Set the tombstone and record the deletion for the worker; None where it was set already.

    A sync or an event never takes the tombstone away: only VOD's refusal does. What a blocked clip
    showed is archived first.
    """
    video = Video.objects.select_for_update().get(pk=video.pk)
    if video.deleted_at is not None:
        return None
    now = timezone.now()
    archived = takedown.archive_before_deletion(video)
    delivery = outbox.send("delete_video", subject=video.vod_id, after=archived)
    deletion = VideoDeletion.objects.create(
        video=video, operator=operator, request_id=request_id, delivery=delivery
    )
    takedown.begin_deletion_takedown(video, deletion, after=delivery)
    video.deleted_at = video.changed_at = now
    video.save(update_fields=["deleted_at", "changed_at"])
    announcements.emit_deletion(video, operator=operator, request_id=request_id)
    ReviewTask.objects.filter(video=video, closed_at=None).update(closed_at=now)
    journal.log_action(operator, video, "delete", request_id=request_id)
    return deletion


@transaction.atomic
def request_undeletion(
    video: Video, *, operator: Operator | None = None, request_id: str = ""
) -> Delivery:
    """Take a video back that VOD was found not to have, if VOD, asked by the worker, has it.

    Raises InvalidState for a video that is not deleted, or that somebody here has deleted.
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
    """What has set the tombstone of a video."""
    return video.deletions.order_by("-id")[0]
