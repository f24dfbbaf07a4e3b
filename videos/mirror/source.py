"""Which upload a row is about: a new source under the same id is a new clip to judge."""

from datetime import UTC, datetime, timedelta
from typing import Final

from django.utils import timezone

from shortvideo.cloud.types import MediaFacts
from videos.mirror.reading import Reading
from videos.models import CensorStatus, SnapshotStatus, TranscodeStatus, Video
from videos.services.source import has_source

# An upload whose moment VOD does not say ended before our read, by VOD's clock.
CLOCK_SKEW: Final = timedelta(seconds=30)
# Of a first source any moment that VOD names is a later one.
LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


def detect_upload(video: Video, reading: Reading, *, is_fresh: bool) -> bool:
    """Note the upload that VOD's facts tell of, before they are copied.

    An event changes nothing here: its body is not signed.
    Returns whether there is a source that nobody has judged yet: the first, or a new one.
    """
    if not has_source(reading.facts.status or video.status):
        return False
    known = video.source_uploaded_at
    told = reading.source_uploaded_at
    if known is None:
        _date_upload(video, reading, after=LONG_AGO)
        return True
    if is_later_upload(video, told) or (is_fresh and _has_other_size(video, reading.facts)):
        _start_over(video, reading, after=known)
        return True
    if _is_estimate_corrected(video, reading):
        video.source_uploaded_at, video.source_uploaded_after = told, None
    return False


def _date_upload(video: Video, reading: Reading, *, after: datetime) -> None:
    """Note when the source was uploaded: VOD's word where it lies `after`, else an estimate.

    An estimate lies late rather than early: what is about an earlier source never counts.
    """
    told = reading.source_uploaded_at
    is_told = told is not None and told > after
    video.source_uploaded_at = told if is_told else reading.facts.read_at + CLOCK_SKEW
    video.source_uploaded_after = None if is_told else after


def _is_estimate_corrected(video: Video, reading: Reading) -> bool:
    """Whether VOD says when the source was uploaded whose upload was estimated so far.

    A reading that was sent before the one that noticed the source may be about an earlier one; so
    is a moment that VOD has not moved with the upload.
    """
    told, estimate = reading.source_uploaded_at, video.source_uploaded_at
    after = video.source_uploaded_after
    if told is None or estimate is None or after is None:
        return False
    return after < told <= estimate and reading.facts.read_at >= estimate - CLOCK_SKEW


def is_upload_time_needed(video: Video | None, facts: MediaFacts) -> bool:
    """Whether VOD must be asked when a source was uploaded that has replaced another.

    By an estimate, what was decided soon after the upload cannot be told from what was decided
    about the source before it.
    """
    if video is None:
        return False
    is_estimated = video.source_version > 1 and video.source_uploaded_after is not None
    return is_estimated or _has_other_size(video, facts)


def is_later_upload(video: Video | None, told: datetime | None) -> bool:
    """Whether VOD tells of a later upload than the one that the row is about."""
    known = video.source_uploaded_at if video is not None else None
    return known is not None and told is not None and told > known


def is_upload_doubtful(video: Video, told: datetime) -> bool:
    """Whether an event tells of an upload since the clip was passed that VOD's facts do not show.

    It may be made up, or VOD may give another file of the same size the time of the first.
    """
    return video.is_passed and told > video.censor_changed_at + CLOCK_SKEW


def _has_other_size(video: Video, facts: MediaFacts) -> bool:
    return bool(facts.size and video.size and facts.size != video.size)


def _start_over(video: Video, reading: Reading, *, after: datetime) -> None:
    """Forget what was known and decided about the earlier source, which was uploaded before."""
    now = timezone.now()
    video.source_version += 1
    _date_upload(video, reading, after=after)
    video.files, video.snapshots = [], []
    video.first_frame = video.source_path = ""
    video.files_read_at = None
    video.snapshot_status = SnapshotStatus.NONE
    video.transcode_status = video.narrow_transcode_status = TranscodeStatus.NONE
    video.set_censor_status(CensorStatus.ON_CENSOR, at=now)
    video.blocked_at = now  # ends the recommendations of the earlier clip
