"""Make CDN tasks, and read which URLs localvod's CDN accepted."""

from collections.abc import Sequence
from itertools import chain

from django.db import transaction

from shortvideo.outbox import services as outbox
from shortvideo.outbox.worker import send_batch, work_until_idle
from tests.support.localvod import LocalVod
from videos import periodic
from videos.models import CdnTask
from videos.services import (
    prefetch,
)

SECONDS = 20
FOREIGN = "not-ours.example.com/a.mp4"  # on a domain that the CDN does not have
State = CdnTask.State


def urls(vod: LocalVod, *names: object) -> list[str]:
    return [f"{vod.endpoint}/{name}.mp4" for name in names]


def recorded(paths: Sequence[str], **values: object) -> CdnTask:
    task = prefetch(paths, **values)  # type: ignore[arg-type]  # values of many types
    assert task is not None
    return task


def pushed(vod: LocalVod) -> list[str]:
    """Return the names of the files that the CDN accepted for prefetch, in order."""
    calls = vod.ledger("PushObjectCache", accepted=True)
    paths = chain.from_iterable(call["effect"]["object_paths"] for call in calls)
    return [path.rpartition("/")[2].removesuffix(".mp4") for path in paths]


def make_purge(subject: str, paths: list[str]) -> CdnTask:
    with transaction.atomic():
        delivery = outbox.send("purge", subject=subject)
        return CdnTask.objects.create(kind="purge", urls=paths, delivery=delivery)


def failed(cloud: LocalVod, name: str = "nobody/clip", **values: object) -> CdnTask:
    """Make a prefetch that fails: the origin does not have the file."""
    task = recorded(urls(cloud, name), **values)
    work_until_idle(SECONDS)
    periodic.check_cdn_tasks()
    task.refresh_from_db()
    return task


def refused(**values: object) -> CdnTask:
    """Make a prefetch that the CDN refuses."""
    task = recorded([FOREIGN], **values)
    send_batch("push_object_cache")
    task.refresh_from_db()
    return task
