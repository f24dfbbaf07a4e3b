"""Media of videos on the CDN: prefetched so that they start fast, purged when they must go."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import journal
from accounts.models import Operator
from shortvideo.cloud.urls import is_on_cdn
from shortvideo.errors import InvalidState
from shortvideo.outbox import services as outbox
from shortvideo.outbox.models import Delivery
from shortvideo.pacing import batched
from videos.models import CdnQuota, CdnTask, Takedown, Video
from videos.models.media import PLAYS
from videos.services.attention import close, lock_video

BATCH = 100  # URLs in one task: the most that PushObjectCache takes
SEARCHED = 1_000  # tasks that a new one is compared with, in the request and under a lock
LOOKED_UP_AT_ONCE = 1_000  # URLs in one query
ALREADY_SENT = gettext_lazy("All its URLs are on their way already.")


@transaction.atomic
def prefetch(
    urls: Sequence[str],
    *,
    operator: Operator | None = None,
    video: Video | None = None,
    request_id: str = "",
) -> CdnTask | None:
    """Prefetch up to 100 `host/path`, without those that are on their way to the CDN already.

    None if none is left. Raises ValueError for more than 100.
    """
    lock_video(video.pk if video is not None else None)
    unique = list(dict.fromkeys(url for url in urls if url))
    if len(unique) > BATCH:
        raise ValueError(f"At most {BATCH} URLs can be prefetched at once.")
    # A lock: the second of two equal requests at the same time sees the task of the first.
    CdnQuota.objects.select_for_update().get_or_create(pk=CdnQuota.ONLY)
    on_their_way = _prefetched_already(unique)
    fresh = [url for url in unique if url not in on_their_way]
    if not fresh:
        return None
    return create_task(
        CdnTask.Kind.PREFETCH, fresh, video=video, operator=operator, request_id=request_id
    )


def create_task(
    kind: str, urls: list[str], *, video: Video | None, delay_seconds: float = 0, **fields: Any
) -> CdnTask:
    """Create a task with its delivery. The caller holds the lock of its video."""
    task = CdnTask.objects.create(kind=kind, urls=urls, video=video, **fields)
    # Deliveries of a subject keep their order, so a task without a video is a subject of its own.
    subject = video.vod_id if video is not None else f"{kind} {task.pk}"
    delivery_kind = "purge" if kind == CdnTask.Kind.PURGE else "push_object_cache"
    task.delivery = outbox.send(delivery_kind, subject=subject, delay_seconds=delay_seconds)
    task.save(update_fields=["delivery"])
    return task


def _prefetched_already(urls: Collection[str]) -> set[str]:
    """The URLs that wait to be prefetched, or are being fetched and were not purged since.

    Only the newest tasks are compared: a URL of an older one is prefetched again.
    """
    wanted, waiting, running = set(urls), set[str](), dict[str, int]()
    tasks = CdnTask.objects.prefetches().on_their_way().order_by("-id").select_related("delivery")
    for task in tasks.only("state", "urls", "delivery__result")[:SEARCHED]:
        hits = wanted.intersection(task.sent_urls)
        if task.state == CdnTask.State.WAITING:
            waiting |= hits
        else:
            running = dict.fromkeys(hits, task.pk) | running
    if running:
        purges = CdnTask.objects.purges().filter(id__gt=min(running.values()))
        newest = list(purges.order_by("-id").values_list("id", "urls")[:SEARCHED])
        for task_id, purged in newest:
            running = {
                url: sent for url, sent in running.items() if url not in purged or sent > task_id
            }
        if len(newest) == SEARCHED:  # older purges are not known
            running = {url: sent for url, sent in running.items() if sent > newest[-1][0]}
    return waiting | running.keys()


def check_resendable(task: CdnTask) -> None:
    """Raise InvalidState if a task cannot be sent again."""
    if task.state not in CdnTask.FAILED:
        raise InvalidState(_("Only a task that failed or was refused can be sent again."))
    if task.kind == CdnTask.Kind.PREFETCH and task.is_withdrawn:
        raise InvalidState(_("Its video was blocked or deleted in the meantime."))
    if task.takedown_id is not None:
        raise InvalidState(_("It is a step of a takedown: retry the takedown."))
    if task.delivery is not None and task.delivery.is_open:
        raise InvalidState(ALREADY_SENT)


@transaction.atomic
def resend_task(
    task: CdnTask, *, operator: Operator | None = None, request_id: str = ""
) -> CdnTask:
    """Send the URLs of a failed task again, as a new task. Raises InvalidState."""
    lock_video(task.video_id)
    fresh = CdnTask.objects.select_related("video", "delivery")
    task = fresh.select_for_update(of=("self",)).get(pk=task.pk)
    check_resendable(task)
    again: CdnTask | None = None
    if task.kind == CdnTask.Kind.PREFETCH:
        again = prefetch(task.urls, operator=operator, video=task.video, request_id=request_id)
    elif not _is_being_purged(task):
        again = create_task(
            task.kind, task.urls, video=task.video, operator=operator, request_id=request_id
        )
    if again is None:
        raise InvalidState(ALREADY_SENT)
    close(task)
    journal.log_action(operator, task, f"{task.kind} again", request_id=request_id)
    return again


def _is_being_purged(task: CdnTask) -> bool:
    """Whether another purge that has not ended has all URLs of this one."""
    purges = CdnTask.objects.purges().on_their_way().filter(video=task.video)
    return any(set(task.urls) <= set(urls) for urls in purges.values_list("urls", flat=True))


@transaction.atomic
def purge_media(
    video: Video,
    *,
    operator: Operator | None = None,
    request_id: str = "",
    after: Delivery | None = None,
    takedown: Takedown | None = None,
    paths: Sequence[str] | None = None,
) -> list[CdnTask]:
    """Purge every URL of the video that may have been issued, `after` a delivery.

    Args:
        takedown: the takedown that the purge is a step of.
        paths: only these `host/path`.
    """
    return [
        CdnTask.objects.create(
            kind=CdnTask.Kind.PURGE,
            urls=urls,
            video=video,
            takedown=takedown,
            operator=operator,
            request_id=request_id,
            delivery=outbox.send("purge", subject=video.vod_id, after=after),
        )
        for urls in batched(media_paths(video) if paths is None else paths, BATCH)
    ]


@transaction.atomic
def remember_media(video: Video, media: Mapping[str, str]) -> None:
    """Keep the paths of pictures, by kind, that are issued for a video but not in its row."""
    row = Video.objects.select_for_update().get(pk=video.pk)
    row.remember_media({"kind": kind, "path": path} for kind, path in media.items())
    row.save(update_fields=["further_media"])


def media_on_cdn(video: Video) -> list[dict[str, str]]:
    """The media of the video that our CDN may have: objects of kind and path.

    A cover on another host is left out: the CDN would refuse the whole call. So is a cover that is
    a file of another video: that one is purged with its own video.
    """
    return [
        item
        for item in video.media
        if is_on_cdn(item["path"]) and (item["kind"] == PLAYS or not video.is_foreign(item["path"]))
    ]


def media_paths(video: Video) -> list[str]:
    """Every `host/path` of the video that our CDN may have, without duplicates."""
    return list(dict.fromkeys(item["path"] for item in media_on_cdn(video)))


def urls_of_closed_videos(urls: Iterable[str]) -> set[str]:
    """The URLs that belong to blocked or deleted videos, as far as the rows tell."""
    return set(chain.from_iterable(map(_of_closed_videos, batched(urls, LOOKED_UP_AT_ONCE))))


def _of_closed_videos(urls: Collection[str]) -> Iterator[str]:
    """VOD puts a video's id into the paths of most of its files; a cover may be anywhere.

    The ids have an index. Only a path in no video's folder is searched in all closed videos.
    """
    folders = {folder for url in urls for folder in url.split("/")[1:-1]}
    videos = Video.objects.filter(vod_id__in=folders).only("vod_id", "censor_status", "deleted_at")
    is_closed = {video.vod_id: video.is_closed for video in videos}
    elsewhere = []
    for url in urls:
        owners = [is_closed[folder] for folder in url.split("/") if folder in is_closed]
        if any(owners):
            yield url
        elif not owners:
            elsewhere.append(url)
    if elsewhere:
        paths = Q(cover__in=elsewhere) | Q(first_frame__in=elsewhere) | Q(source_path__in=elsewhere)
        closed = Video.objects.closed().filter(paths)
        taken = set(chain(*closed.values_list("cover", "first_frame", "source_path")))
        yield from taken.intersection(elsewhere)
