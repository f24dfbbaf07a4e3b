"""Videos that VOD no longer has."""

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from videos import announcements
from videos.models import ReviewTask, Video, VideoDeletion
from videos.services import evidence, takedown


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
