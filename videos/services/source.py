"""The upload that a video is about: whether there is one, and since when."""

from datetime import datetime
from typing import Final

from shortvideo.cloud.types import VodStatus
from videos.models import Video

WITHOUT_SOURCE: Final = ("", VodStatus.UPLOADING, VodStatus.UPLOAD_FAIL)


def has_source(status: str) -> bool:
    return status not in WITHOUT_SOURCE


def is_of_earlier_source(video: Video, moment: datetime | None) -> bool:
    """Whether what happened then was about a source that has been replaced since."""
    if video.source_version == 1 or moment is None or video.source_uploaded_at is None:
        return False
    return moment < video.source_uploaded_at
