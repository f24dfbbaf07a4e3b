"""Which upload a row is about: a new source under the same id is reviewed as a new video."""

from datetime import UTC, datetime, timedelta
from typing import Final

from django.utils import timezone

from shortvideo.cloud.types import MediaFacts
from videos.mirror.reading import Reading
from videos.models import CensorStatus, SnapshotStatus, TranscodeStatus, Video
from videos.services.source import has_source

# An upload of unknown time ended before our read; VOD's clock may be ahead of ours.
CLOCK_SKEW: Final = timedelta(seconds=30)
# Any upload time that VOD names is later.
LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


def detect_upload(video: Video, reading: Reading, *, is_fresh: bool) -> bool:
    """Set the upload's fields by a reading whose facts are not copied yet.

    An event changes nothing here: its body is not signed. Returns whether there is a source to
    review: the first, or a new one.
    """
    if not has_source(reading.facts.status or video.status):
        return False
    known = video.source_uploaded_at
    uploaded_at = reading.source_uploaded_at
    if known is None:
        _date_upload(video, reading, after=LONG_AGO)
        return True
    if is_later_upload(video, uploaded_at) or (is_fresh and _has_other_size(video, reading.facts)):
        _start_over(video, reading, after=known)
        return True
    if _is_estimate_corrected(video, reading):
        video.source_uploaded_at, video.source_uploaded_after = uploaded_at, None
    return False


def _date_upload(video: Video, reading: Reading, *, after: datetime) -> None:
    """Set when the source was uploaded: VOD's time if it is later than `after`, else an estimate.

    The estimate is rather too late, so that no decision about an earlier source counts.
    """
    uploaded_at = reading.source_uploaded_at
    is_known = uploaded_at is not None and uploaded_at > after
    video.source_uploaded_at = uploaded_at if is_known else reading.facts.read_at + CLOCK_SKEW
    video.source_uploaded_after = None if is_known else after


def _is_estimate_corrected(video: Video, reading: Reading) -> bool:
    """Whether the reading has the upload time of a source whose time is an estimate so far.

    A reading sent before the one that noticed the source may be about an earlier source; a time
    that VOD did not move with the upload is (`uploaded_at <= after`).
    """
    uploaded_at, estimate = reading.source_uploaded_at, video.source_uploaded_at
    after = video.source_uploaded_after
    if uploaded_at is None or estimate is None or after is None:
        return False
    return after < uploaded_at <= estimate and reading.facts.read_at >= estimate - CLOCK_SKEW


def is_upload_time_needed(video: Video | None, facts: MediaFacts) -> bool:
    """Whether VOD must be asked for the upload time of a source that replaced another.

    An estimate does not tell a decision made soon after the upload from one about the source
    before it.
    """
    if video is None:
        return False
    is_estimated = video.source_version > 1 and video.source_uploaded_after is not None
    return is_estimated or _has_other_size(video, facts)


def is_later_upload(video: Video | None, uploaded_at: datetime | None) -> bool:
    """Whether VOD names a later upload than the one that the row is about."""
    known = video.source_uploaded_at if video is not None else None
    return known is not None and uploaded_at is not None and uploaded_at > known


def is_upload_doubtful(video: Video, reported_at: datetime) -> bool:
    """Whether an event reports an upload after the video was passed, which VOD does not show.

    The event may be forged, or VOD may keep the time of the first file for another one of the same
    size.
    """
    return video.is_passed and reported_at > video.censor_changed_at + CLOCK_SKEW


def _has_other_size(video: Video, facts: MediaFacts) -> bool:
    return bool(facts.size and video.size and facts.size != video.size)


def _start_over(video: Video, reading: Reading, *, after: datetime) -> None:
    """Reset the fields about the earlier source, which was uploaded at `after`."""
    now = timezone.now()
    video.source_version += 1
    _date_upload(video, reading, after=after)
    video.files, video.snapshots = [], []
    video.first_frame = video.source_path = ""
    video.files_read_at = None
    video.snapshot_status = SnapshotStatus.NONE
    video.transcode_status = video.narrow_transcode_status = TranscodeStatus.NONE
    video.set_censor_status(CensorStatus.ON_CENSOR, at=now)
    video.blocked_at = now  # ends the recommendations of the earlier source
