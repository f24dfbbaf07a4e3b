"""What the CDN holds of a video: prefetched so that it starts fast, purged when it must go."""

from collections.abc import Sequence

from django.db import transaction

from accounts.models import Operator
from shortvideo.outbox import services as outbox
from shortvideo.outbox.models import Delivery
from videos.models import CdnTask, Video

BATCH = 100  # URLs in one task: the most that PushObjectCache takes


@transaction.atomic
def prefetch(
    urls: Sequence[str],
    *,
    operator: Operator | None = None,
    video: Video | None = None,
    request_id: str = "",
) -> CdnTask | None:
    """Record one prefetch of up to 100 `host/path`, duplicates dropped; None for none.

    Raises ValueError for more than 100.
    """
    unique = list(dict.fromkeys(url for url in urls if url))
    if len(unique) > BATCH:
        raise ValueError(f"At most {BATCH} URLs can be prefetched at once.")
    if not unique:
        return None
    return CdnTask.objects.create(
        kind=CdnTask.Kind.PREFETCH,
        urls=unique,
        video=video,
        operator=operator,
        request_id=request_id,
        delivery=outbox.send("push_object_cache", subject=subject_of(video)),
    )


@transaction.atomic
def purge_media(
    video: Video,
    *,
    operator: Operator | None = None,
    request_id: str = "",
    after: Delivery | None = None,
) -> list[CdnTask]:
    """Record the purge of every URL of the video that may have been issued, `after` a delivery."""
    paths = media_paths(video)
    return [
        CdnTask.objects.create(
            kind=CdnTask.Kind.PURGE,
            urls=paths[start : start + BATCH],
            video=video,
            operator=operator,
            request_id=request_id,
            delivery=outbox.send("purge", subject=subject_of(video), after=after),
        )
        for start in range(0, len(paths), BATCH)
    ]


def media_paths(video: Video) -> list[str]:
    """Every `host/path` of the video that the CDN may hold, without duplicates."""
    paths = [
        video.cover,
        video.first_frame,
        video.source_path,
        *video.snapshots,
        *(file["path"] for file in video.files),
    ]
    return list(dict.fromkeys(path for path in paths if path))


def subject_of(video: Video | None) -> str:
    return video.vod_id if video is not None else "cdn"
