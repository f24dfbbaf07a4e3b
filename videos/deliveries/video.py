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


def read_files(vod_ids: Sequence[str]) -> set[str]:
    """Read all streams that VOD has of closed videos; new ones are purged. Returns whose it told.

    VOD does not tell the streams once it has deleted the video. If a video is not deleted here,
    the whole reading is applied. A refusal about one video stops no other. Raises
    CloudUnavailable.
    """
    told: set[str] = set()
    for video in Video.objects.filter(vod_id__in=vod_ids):
        try:
            facts, _ = asking.fetch_facts([video.vod_id])
            if video.vod_id not in facts:
                continue
            reading = asking.fetch_reading(facts[video.vod_id], video, FILES)
        except CloudRejected as error:
            _log_unread(video, error)
            continue
        if video.deleted_at is None:
            mirror.apply(reading)
        else:
            mirror.write_files_of_deleted_video(reading, source_version=video.source_version)
        if reading.files is not None:
            told.add(video.vod_id)
        for refusal in reading.refusals:
            _log_unread(video, refusal)
    return told


def _log_unread(video: Video, error: CloudRejected) -> None:
    logger.warning(
        "The files of a video could not be read",
        extra={"vod_id": video.vod_id, "reason": str(error)},
    )
