"""Walk both sides in the order of CreationTime and yield the videos that differ: suspects.

A suspect is not drift yet: VOD's search index lags, and the mirror changes meanwhile.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from shortvideo.cloud.types import MediaFacts
from shortvideo.outbox.models import Delivery
from videos.mirror import asking
from videos.models import TranscodeJob, Video
from videos.reconcile.checks import (
    Scope,
    are_files_due,
    contradicts,
    differing_fields,
    is_result_missed,
)
from videos.services.standing import AUDIT_KIND as AUDIT
from videos.sync.walking import Walk, pages


@dataclass(frozen=True, slots=True)
class Step:
    """One page of VOD's videos, and the suspects of both sides up to its end.

    `no_id_count` is the number of rows whose id cannot be read.
    """

    listed_count: int
    no_id_count: int
    suspects: tuple[str, ...]


def compare(walk: Walk, scope: Scope) -> Iterator[Step]:
    """Yield a step for each page; one page is in memory. Raises CloudUnavailable, CloudRejected."""
    low: datetime | None = None
    seen: set[str] = set()  # listed, and created at `low` or later
    for page in pages(walk):
        listed = [item for item in page.videos if item.vod_id not in seen]
        seen.update(item.vod_id for item in listed)
        unreadable = [vod_id for vod_id in page.unreadable_ids if vod_id]
        suspects = [*_suspects_among(listed, scope), *unreadable]
        high = walk.position
        if high is not None and high != low:  # the next page may list more videos of time `high`
            suspects += _absent_between(low, high, seen)
            seen = {item.vod_id for item in page.videos if item.creation_time == high}
            low = high
        yield Step(len(listed), page.unreadable_count - len(unreadable), tuple(suspects))
    yield Step(0, 0, tuple(_absent_between(low, None, seen)))


def _suspects_among(listed: Sequence[MediaFacts], scope: Scope) -> Iterator[str]:
    """Yield listed videos that the mirror lacks or has differently."""
    rows = asking.rows_by_vod_id(listed)
    unsettled = _unsettled(rows.values())
    for item in listed:
        video = rows.get(item.vod_id)
        if (
            video is None
            or video.deleted_at is not None
            or item.vod_id in unsettled
            or scope.has_details_due(item.vod_id)
            or differing_fields(video, item)
            or contradicts(video, item.status or "")
            or is_result_missed(video, item.status or "")
            or are_files_due(video, item, scope)
        ):
            yield item.vod_id


def _unsettled(videos: Collection[Video]) -> set[str]:
    """Return the ids of videos with a submitted job, or with a decision that was given up."""
    running = TranscodeJob.objects.filter(state=TranscodeJob.State.SUBMITTED, video__in=videos)
    undelivered = Delivery.objects.given_up().filter(
        kind=AUDIT, subject__in=[video.vod_id for video in videos]
    )
    return {
        *running.values_list("video__vod_id", flat=True),
        *undelivered.values_list("subject", flat=True),
    }


def _absent_between(
    low: datetime | None, high: datetime | None, listed: Collection[str]
) -> Iterator[str]:
    """Yield the mirror's videos created from `low` to before `high` that VOD has not listed."""
    videos = Video.objects.visible()
    if low is not None:
        videos = videos.filter(creation_time__gte=low)
    if high is not None:
        videos = videos.filter(creation_time__lt=high)
    for vod_id in videos.values_list("vod_id", flat=True).iterator():
        if vod_id not in listed:
            yield vod_id
