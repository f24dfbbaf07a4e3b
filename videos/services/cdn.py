"""What the CDN holds of a video: prefetched so that it starts fast, purged when it must go."""

from collections.abc import Sequence

from django.db import transaction

from accounts.models import Operator
from shortvideo.cloud.urls import is_on_cdn
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
    task = CdnTask.objects.create(
        kind=CdnTask.Kind.PREFETCH,
        urls=unique,
        video=video,
        operator=operator,
        request_id=request_id,
    )
    # A subject is served strictly in order: what is no video's waits for nobody else's.
    subject = video.vod_id if video is not None else f"prefetch {task.pk}"
    task.delivery = outbox.send("push_object_cache", subject=subject)
    task.save(update_fields=["delivery"])
    return task


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
            delivery=outbox.send("purge", subject=video.vod_id, after=after),
        )
        for start in range(0, len(paths), BATCH)
    ]


def media_paths(video: Video) -> list[str]:
    """Every `host/path` of the video that our CDN may hold, without duplicates.

    Media on other hosts, such as a cover that an app set, are left out: with one of them in it the
    CDN refuses a whole call.
    """
    paths = [
        video.cover,
        video.first_frame,
        video.source_path,
        *video.snapshots,
        *(file["path"] for file in video.files),
    ]
    return list(dict.fromkeys(path for path in paths if is_on_cdn(path)))
