"""What the handlers of deliveries about a video share."""

import logging
from collections.abc import Sequence
from typing import Final

from shortvideo.cloud import CloudRejected, vod_gateway
from shortvideo.cloud.types import MediaFacts, MediaPath
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


def read_files(vod_ids: Sequence[str]) -> None:
    """Read the files of some videos: VOD does not tell them once it has deleted a video.

    A refusal about one video stops no other. Raises CloudUnavailable.
    """
    for video in Video.objects.filter(vod_id__in=vod_ids):
        try:
            facts, _ = asking.fetch_facts([video.vod_id])
        except CloudRejected as error:
            _log_unread(video, error)
            continue
        if video.vod_id in facts:
            read_files_of(video, facts[video.vod_id])
            read_pictures_of(video, facts[video.vod_id])


def read_files_of(video: Video, facts: MediaFacts) -> bool:
    """Read all streams of a video whose facts have just been read. Returns whether VOD told them.

    New ones are written, and purged if the video is closed. If the video is not deleted here, a
    whole reading is applied then. Raises CloudUnavailable.
    """
    try:
        files = asking.fetch_files(vod_gateway(), facts, video)
        if video.files_read_at is None or mirror.names_new_files(files, video):
            _write(asking.fetch_reading(facts, video, FILES), video)
    except CloudRejected as error:
        _log_unread(video, error)
        return False
    return True


def read_pictures_of(video: Video, facts: MediaFacts) -> tuple[MediaPath, ...] | None:
    """Read the pictures that VOD lists of a video whose facts have just been read; None if refused.

    New ones are written, and purged if the video is closed. Raises CloudUnavailable.
    """
    try:
        pictures = asking.fetch_pictures(vod_gateway(), video.vod_id)
    except CloudRejected as error:
        _log_unread(video, error)
        return None
    if not set(pictures) <= {item["path"] for item in video.media}:
        _write(mirror.Reading(facts, pictures=pictures), video)
    return pictures


def _write(reading: mirror.Reading, video: Video) -> None:
    if video.deleted_at is None:
        mirror.apply(reading)
    else:
        mirror.write_files_of_deleted_video(reading, source_version=video.source_version)


def _log_unread(video: Video, error: CloudRejected) -> None:
    logger.warning(
        "The files of a video could not be read",
        extra={"vod_id": video.vod_id, "reason": str(error)},
    )
