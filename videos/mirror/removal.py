"""Videos that VOD does not have any more, or has after all."""

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from videos.mirror.reading import Reading
from videos.mirror.writing import apply
from videos.models import Video, VideoDeletion
from videos.services import takedown
from videos.services.deletion import deletion_in_force, is_undeletable, set_tombstone, undelete


def remove_videos(vod_ids: Iterable[str]) -> int:
    """Set the tombstone of videos that VOD said it does not have; returns how many."""
    return sum(_remove_video(vod_id) for vod_id in vod_ids)


@transaction.atomic
def _remove_video(vod_id: str) -> bool:
    video = Video.objects.visible().select_for_update().filter(vod_id=vod_id).first()
    if video is None:
        return False
    deletion = VideoDeletion.objects.create(
        video=video, state=VideoDeletion.State.DONE, finished_at=timezone.now()
    )
    # The CDN may still have the pictures of a blocked video: archive them before they are purged.
    archived = takedown.archive_before_deletion(video)
    takedown.begin_deletion_takedown(video, deletion, after=archived)
    set_tombstone(video, deletion)
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
