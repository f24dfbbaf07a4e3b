"""Videos that VOD no longer has, and those that it has after all."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from videos.mirror.reading import Reading
from videos.mirror.writing import apply
from videos.models import CensorStatus, ReviewTask, TaskCause, Video, VideoDeletion
from videos.services import announcements, evidence, takedown
from videos.services.deletion import deletion_in_force, why_not_restorable
from videos.services.status import open_task


def remove(vod_ids: Iterable[str]) -> int:
    """Set the tombstone of videos that VOD has said it does not have; returns how many."""
    return sum(remove_one(vod_id) for vod_id in vod_ids)


@transaction.atomic
def remove_one(vod_id: str) -> bool:
    video = Video.objects.visible().select_for_update().filter(vod_id=vod_id).first()
    if video is None:
        return False
    now = timezone.now()
    deletion = VideoDeletion.objects.create(
        video=video, state=VideoDeletion.State.DONE, finished_at=now
    )
    # The CDN may still hold pictures of what was blocked: they are copied before it forgets them.
    archived = takedown.archive_before_deletion(video)
    takedown.begin_deletion(video, deletion, after=archived)
    evidence.set_expiry(video, deleted_at=now)
    ReviewTask.objects.filter(video=video, closed_at=None).update(closed_at=now)
    video.deleted_at = video.changed_at = now
    video.save(update_fields=["deleted_at", "changed_at"])
    announcements.deleted(video)
    return True


@transaction.atomic
def restore(reading: Reading) -> None:
    """Lift a tombstone that nobody here has asked for: VOD has said since that it has the video.

    Only an operator sets this off (`services.restore_video`). The reading is a complete one, and is
    applied in the same transaction: nobody sees the video as it was before.
    """
    lift(reading.facts.vod_id, read_at=reading.facts.read_at)
    apply(reading)


def lift(vod_id: str, *, read_at: datetime) -> None:
    """`read_at` is when VOD was asked: what it said before the tombstone was set proves nothing."""
    video = Video.objects.select_for_update().filter(vod_id=vod_id).first()
    if video is None or why_not_restorable(video):
        return
    if video.deleted_at is None or read_at <= video.deleted_at:
        return
    bring_back(video, deletion_in_force(video))


def bring_back(video: Video, deletion: VideoDeletion, *, code: str = "", problem: str = "") -> None:
    """Lift the tombstone of a locked video, and end what its deletion had set off.

    `code` and `problem` are VOD's refusal to delete it, if that is why.
    """
    evidence.set_expiry(video, deleted_at=None)
    takedown.note_deletion(video, deletion, is_deleted=False, problem=problem)
    if video.deleted_at is None:
        return
    video.deleted_at, video.changed_at = None, timezone.now()
    video.save(update_fields=["deleted_at", "changed_at"])
    announcements.restored(video, code=code, message=problem)
    if video.censor_status == CensorStatus.CHECK:
        open_task(video, TaskCause.RECHECK)
