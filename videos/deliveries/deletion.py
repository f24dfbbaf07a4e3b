"""delete_video: delete videos in VOD."""

from collections.abc import Mapping, Sequence

from django.utils import timezone

from shortvideo.cloud import vod_gateway
from shortvideo.outbox.handlers import Done, Outcome, Refused
from shortvideo.outbox.models import Delivery, DeliveryState
from videos.deliveries.video import VideoHandler, read_files
from videos.models import Video, VideoDeletion
from videos.services import takedown
from videos.services.deletion import set_tombstone, undelete

FORBIDDEN = Refused("ForbiddenVideoIds", "VOD does not allow this video to be deleted.")


class DeleteVideoHandler(VideoHandler):
    kind = "delete_video"
    batch_size = 20

    def deliver(self, batch: Sequence[Delivery]) -> Mapping[int, Outcome]:
        """A video that VOD does not have counts as deleted: an earlier answer may be lost."""
        read_files([delivery.subject for delivery in batch])
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
