"""Videos that VOD does not have any more, or has after all."""

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from videos.mirror.reading import Reading
from videos.mirror.writing import apply
from videos.models import CensorStatus, ReviewTask, TaskCause, Video, VideoDeletion
from videos.services import announcements, evidence, takedown
from videos.services.deletion import deletion_in_force, is_undeletable
from videos.services.status import open_task


def remove_videos(vod_ids: Iterable[str]) -> int:
    """Set the tombstone of videos that VOD said it does not have; returns how many."""
    return sum(_remove_video(vod_id) for vod_id in vod_ids)


@transaction.atomic
def _remove_video(vod_id: str) -> bool:
    video = Video.objects.visible().select_for_update().filter(vod_id=vod_id).first()
    if video is None:
        return False
    now = timezone.now()
    deletion = VideoDeletion.objects.create(
        video=video, state=VideoDeletion.State.DONE, finished_at=now
    )
    # The CDN may still have the pictures of a blocked video: archive them before they are purged.
    archived = takedown.archive_before_deletion(video)
    takedown.begin_deletion_takedown(video, deletion, after=archived)
    evidence.set_expiry(video, deleted_at=now)
    ReviewTask.objects.filter(video=video, closed_at=None).update(closed_at=now)
    video.deleted_at = video.changed_at = now
    video.save(update_fields=["deleted_at", "changed_at"])
    announcements.emit_deletion(video)
    return True


@transaction.atomic
def undelete_found_video(reading: Reading) -> None:
    """Undelete a video that VOD has after all, and apply the complete reading with it.

    Only an operator's request leads here (`services.request_undeletion`). Ignore readings sent
    before deleted_at.
    """
    facts = reading.facts
    deleted = Video.objects.select_for_update().filter(deleted_at__lt=facts.read_at)
    video = deleted.filter(vod_id=facts.vod_id).first()
    if video is not None and is_undeletable(video):
        undelete(video, deletion_in_force(video))
    apply(reading)


def undelete(video: Video, deletion: VideoDeletion, *, code: str = "", problem: str = "") -> None:
    """Lift the tombstone of a locked video, and end what its deletion had set off.

    `code` and `problem` are VOD's refusal to delete it, if that is why.
    """
    evidence.set_expiry(video, deleted_at=None)
    takedown.settle_deletion(video, deletion, is_deleted=False, problem=problem)
    if video.deleted_at is None:
        return
    video.deleted_at, video.changed_at = None, timezone.now()
    video.save(update_fields=["deleted_at", "changed_at"])
    announcements.emit_undeletion(video, code=code, message=problem)
    if video.censor_status == CensorStatus.CHECK:
        open_task(video, TaskCause.RECHECK)
