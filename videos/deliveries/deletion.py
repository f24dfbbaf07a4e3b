"""delete_video: deletions on their way to VOD."""

import logging
from collections.abc import Mapping, Sequence
from typing import Final

from django.utils import timezone

from shortvideo.cloud import CloudRejected, vod_gateway
from shortvideo.outbox.handlers import Done, Outcome, Refused
from shortvideo.outbox.models import Delivery, DeliveryState
from videos import mirror
from videos.deliveries.subject import VideoHandler
from videos.mirror import asking
from videos.models import Video, VideoDeletion
from videos.services import takedown
from videos.services.deletion import set_tombstone, undelete

FILES: Final = asking.ReadRequest(files=True, source=True)
FORBIDDEN = Refused("ForbiddenVideoIds", "VOD does not allow this video to be deleted.")


logger = logging.getLogger(__name__)


class DeleteVideoHandler(VideoHandler):
    kind = "delete_video"
    batch_size = 20

    def deliver(self, batch: Sequence[Delivery]) -> Mapping[int, Outcome]:
        """What VOD does not have is deleted already: by us, if the answer before was lost."""
        read_unread_files([delivery.subject for delivery in batch])
        deleted = vod_gateway().delete([delivery.subject for delivery in batch])
        return {
            delivery.pk: FORBIDDEN if delivery.subject in deleted.forbidden_ids else Done()
            for delivery in batch
        }

    def settle(self, delivery: Delivery, outcome: Outcome) -> None:
        if delivery.state == DeliveryState.DONE:
            _end(delivery, VideoDeletion.State.DONE)
        elif delivery.is_refused:
            _end(delivery, VideoDeletion.State.REFUSED)


def read_unread_files(vod_ids: Sequence[str]) -> None:
    """Read the streams that nobody has read yet: once the clip is deleted VOD has nothing to tell.

    Of a clip that is not deleted here all that was read is applied, by the mirror's rules. What VOD
    refuses to tell holds nothing up. Raises CloudUnavailable.
    """
    unread = Video.objects.filter(vod_id__in=vod_ids, files_read_at=None)
    for video in unread:
        try:
            facts, _ = asking.fetch_facts([video.vod_id])
            if video.vod_id not in facts:
                continue
            reading = asking.fetch_reading(facts[video.vod_id], video, FILES)
            if video.deleted_at is None:
                mirror.apply(reading)
            else:
                mirror.write_files_of_deleted_video(reading, source_version=video.source_version)
        except CloudRejected as error:
            logger.warning(
                "The files of a video could not be read",
                extra={"vod_id": video.vod_id, "reason": str(error)},
            )


def _end(delivery: Delivery, state: VideoDeletion.State) -> None:
    """Write the end of a deletion. A refused one undeletes the video; a retry may delete it."""
    deletion = delivery.video_deletion
    deletion.state, deletion.finished_at = state, timezone.now()
    deletion.save(update_fields=["state", "finished_at"])
    video = Video.objects.select_for_update().get(pk=deletion.video_id)
    if state == VideoDeletion.State.REFUSED:
        undelete(video, deletion, code=delivery.error_code, problem=delivery.error)
    else:
        takedown.resume_deletion_takedown(deletion)
        set_tombstone(video, deletion)
