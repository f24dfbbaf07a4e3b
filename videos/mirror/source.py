"""Which upload a row is about: a new source under the same id is a new clip to judge."""

from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from shortvideo.cloud.types import VodStatus
from videos.mirror.reading import Reading
from videos.models import CensorStatus, SnapshotStatus, TranscodeStatus, Video

# An upload whose moment VOD does not say ended before our read, by VOD's clock.
CLOCK_SKEW: Final = timedelta(seconds=30)
WITHOUT_SOURCE: Final = ("", VodStatus.UPLOADING, VodStatus.UPLOAD_FAIL)


def has_source(status: str) -> bool:
    return status not in WITHOUT_SOURCE


def follow(video: Video, reading: Reading, *, is_fresh: bool) -> bool:
    """Note the upload that VOD's facts tell of, before they are copied.

    An event changes nothing here: its body is not signed.
    Returns whether there is a source that nobody has judged yet: the first, or a new one.
    """
    if not has_source(reading.facts.status or video.status):
        return False
    known = video.source_uploaded_at
    told = reading.source_uploaded_at
    if known is None:
        video.source_uploaded_at = told or reading.facts.read_at + CLOCK_SKEW
        return True
    if (told is not None and told > known) or (is_fresh and has_other_size(video, reading)):
        start_over(video, reading, told if told is not None and told > known else None)
        return True
    return False


def is_doubtful(video: Video, told: datetime) -> bool:
    """Whether an event tells of an upload since the clip was passed that VOD's facts do not show.

    It may be made up, or VOD may give another file of the same size the time of the first.
    """
    return video.is_passed and told > video.censor_changed_at + CLOCK_SKEW


def has_other_size(video: Video, reading: Reading) -> bool:
    size = reading.facts.size
    return bool(size and video.size and size != video.size)


def start_over(video: Video, reading: Reading, told: datetime | None) -> None:
    """Forget what was known and decided about the earlier source."""
    now = timezone.now()
    video.source_version += 1
    video.source_uploaded_at = told or reading.facts.read_at + CLOCK_SKEW
    video.files, video.snapshots = [], []
    video.first_frame = video.source_path = ""
    video.files_read_at = None
    video.snapshot_status = SnapshotStatus.NONE
    video.transcode_status = video.narrow_transcode_status = TranscodeStatus.NONE
    video.set_censor_status(CensorStatus.ON_CENSOR, at=now)
    video.blocked_at = now  # ends the recommendations of the earlier clip


def is_of_earlier_source(video: Video, moment: datetime | None) -> bool:
    """Whether what happened then was about a source that has been replaced since."""
    if video.source_version == 1 or moment is None or video.source_uploaded_at is None:
        return False
    return moment < video.source_uploaded_at
