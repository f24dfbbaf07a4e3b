"""Of one CDN task a part goes out where the whole cannot: nothing is lost with its neighbours."""

from itertools import chain

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from shortvideo.outbox.models import Delivery, DeliveryState
from shortvideo.outbox.worker import work_once, work_until_idle
from tests.factories import make_file, make_video
from tests.support.localvod import LocalVod
from tests.videos.takedowns import block, delivery_of, published, served_paths
from videos import periodic
from videos.models import CdnTask, CensorStatus, Video
from videos.services import prefetch

pytestmark = pytest.mark.django_db(transaction=True)

SECONDS = 20
FOREIGN = "cdn.example.com/clip.mp4"  # on a domain that the CDN does not have
State = CdnTask.State


def urls(vod: LocalVod, *names: object) -> list[str]:
    return [f"{vod.endpoint}/{name}.mp4" for name in names]


def pushed(vod: LocalVod) -> list[str]:
    calls = vod.ledger("PushObjectCache", accepted=True)
    return list(chain.from_iterable(call["effect"]["object_paths"] for call in calls))


def test_one_url_that_the_cdn_refuses_leaves_no_other_of_the_clip_unpurged(
    cloud: LocalVod, settings: Settings
) -> None:
    video = published(cloud)
    Video.objects.filter(pk=video.pk).update(files=[make_file(FOREIGN), *video.files])
    settings.CDN_DOMAINS = [cloud.endpoint, "cdn.example.com"]
    block(Video.objects.get(pk=video.pk))
    for kind in ("create_audit", "archive_evidence", "purge"):
        Delivery.objects.filter(kind=kind).update(due_at=timezone.now())
        work_once([kind])
    periodic.check_cdn_tasks()
    purge = CdnTask.objects.get()
    assert delivery_of(video, "purge").state == DeliveryState.DONE
    assert (purge.state, purge.refused_urls) == (State.FAIL, [FOREIGN])
    assert f"1 of {len(purge.urls)} URLs were refused, first {FOREIGN}: " in purge.error_message
    assert served_paths(video) == []


def test_of_a_hundred_prefetches_with_a_bad_one_ninety_nine_go_out(cloud: LocalVod) -> None:
    good = urls(cloud, *range(99))
    task = prefetch([*good[:40], FOREIGN, *good[40:]])
    assert task is not None
    work_until_idle(SECONDS)
    task.refresh_from_db()
    assert sorted(pushed(cloud)) == sorted(good)
    assert (task.state, task.refused_urls) == (State.SUBMITTED, [FOREIGN])


def test_a_task_of_which_every_url_is_refused_is_refused(cloud: LocalVod) -> None:
    task = prefetch([FOREIGN, "cdn.example.com/b.mp4"])
    assert task is not None
    work_until_idle(SECONDS)
    task.refresh_from_db()
    assert (task.state, pushed(cloud)) == (State.REFUSED, [])


def test_what_belongs_to_a_blocked_clip_is_left_out_of_everybodys_prefetch(
    cloud: LocalVod,
) -> None:
    cover, stream, other = urls(cloud, "covers/1", "clip-1/hd", "other")
    make_video(vod_id="clip-1", cover=cover, censor_status=CensorStatus.FAIL)
    mixed, nothing = prefetch([cover, other, stream]), prefetch(urls(cloud, "clip-1/sd"))
    assert mixed is not None
    assert nothing is not None
    work_until_idle(SECONDS)
    for task in (mixed, nothing):
        task.refresh_from_db()
    assert pushed(cloud) == [other]
    assert (mixed.state, nothing.state) == (State.SUBMITTED, State.SUPERSEDED)
    assert mixed.error_message == "2 URLs of blocked or deleted videos were left out."


def test_a_task_has_not_ended_while_the_cdn_tells_of_a_part_of_it(cloud: LocalVod) -> None:
    task = prefetch(urls(cloud, "a", "b"))
    assert task is not None
    work_until_idle(SECONDS)
    CdnTask.objects.update(urls=[*task.urls, *urls(cloud, "c")])  # of which it tells nothing
    periodic.check_cdn_tasks()
    task.refresh_from_db()
    assert (task.state, task.finished_at) == (State.SUBMITTED, None)
    assert task.progress < 100
