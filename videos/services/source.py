"""The uploaded file of a video: whether it exists, and which one an old fact is about."""

from datetime import datetime
from typing import Final

from shortvideo.cloud.types import VodStatus
from videos.models import Video

WITHOUT_SOURCE: Final = ("", VodStatus.UPLOADING, VodStatus.UPLOAD_FAIL)


def has_source(status: str) -> bool:
    return status not in WITHOUT_SOURCE


def is_of_earlier_source(video: Video, moment: datetime | None) -> bool:
    """Whether an event of that time is about a source that has been replaced since."""
    if video.source_version == 1 or moment is None or video.source_uploaded_at is None:
        return False
    return moment < video.source_uploaded_at
