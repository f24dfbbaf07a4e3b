"""What the handlers of deliveries about a video share."""

import logging
from collections.abc import Sequence
from typing import Final

from shortvideo.cloud import CloudRejected
from shortvideo.outbox.handlers import Handler
from videos import mirror
from videos.mirror import asking
from videos.models import Video

FILES: Final = asking.ReadRequest(files=True, source=True)

logger = logging.getLogger(__name__)


class VideoHandler(Handler):
    """A handler whose subject is a video's id in VOD. Any other subject has no row to lock."""

    def lock_subject(self, subject: str) -> None:
        Video.objects.select_for_update().filter(vod_id=subject).first()


def read_unread_files(vod_ids: Sequence[str]) -> None:
    """Read streams that were never read: VOD does not tell them once it has deleted the video.

    If a video is not deleted here, the whole reading is applied. A refusal about one video stops
    no other. Raises CloudUnavailable.
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
