"""CDN tasks sent in parts: a refused URL or a used quota does not stop the other URLs."""

from datetime import timedelta
from itertools import chain

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django.fixtures import DjangoAssertNumQueries, Settings

from shortvideo.outbox.models import Delivery, DeliveryState, Lane
from shortvideo.outbox.worker import send_batch, work_once, work_until_idle
from tests.factories import make_file, make_video
from tests.support.localvod import LocalVod
from tests.videos.takedowns import block, delivery_of, published, served_paths
from videos import periodic
from videos.deliveries.cdn import TOMORROW
from videos.models import CdnTask, CensorStatus, Takedown, Video
from videos.services import prefetch, purge_media
from videos.services.cdn import urls_of_closed_videos

pytestmark = pytest.mark.django_db(transaction=True)

SECONDS = 20
FOREIGN = "cdn.example.com/clip.mp4"  # on a domain that the CDN does not have
State = CdnTask.State


def urls(vod: LocalVod, *names: object) -> list[str]:
    return [f"{vod.endpoint}/{name}.mp4" for name in names]


def called(vod: LocalVod, operation: str) -> list[str]:
    calls = vod.ledger(operation, accepted=True)
    return list(chain.from_iterable(call["effect"]["object_paths"] for call in calls))


def pushed(vod: LocalVod) -> list[str]:
    return called(vod, "PushObjectCache")


def test_a_refused_url_does_not_stop_the_purge_of_the_others(
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


def test_one_bad_url_of_a_hundred_does_not_stop_the_prefetch(cloud: LocalVod) -> None:
    good = urls(cloud, *range(99))
    task = prefetch([*good[:40], FOREIGN, *good[40:]])
    assert task is not None
    work_until_idle(SECONDS)
    task.refresh_from_db()
    assert sorted(pushed(cloud)) == sorted(good)
    assert (task.state, task.refused_urls) == (State.SUBMITTED, [FOREIGN])


def test_a_task_is_refused_if_all_its_urls_are_refused(cloud: LocalVod) -> None:
    task = prefetch([FOREIGN, "cdn.example.com/b.mp4"])
    assert task is not None
    work_until_idle(SECONDS)
    task.refresh_from_db()
    assert (task.state, pushed(cloud)) == (State.REFUSED, [])


def test_prefetches_leave_out_the_urls_of_blocked_videos(
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


def test_a_path_with_a_video_id_is_looked_up_by_that_id(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    make_video(vod_id="open", cover="media.example.com/closed/1.jpg")
    make_video(vod_id="closed", censor_status=CensorStatus.FAIL)
    mine, others = "media.example.com/open/hd.mp4", "media.example.com/closed/1.jpg"
    with django_assert_num_queries(1):  # by the index on vod_id
        assert urls_of_closed_videos([mine, others]) == {others}


# A task that stops halfway: the sent URLs stay sent, the others are sent later as a new task.


def test_a_bad_url_and_a_used_quota_pause_no_other_takedown(
    cloud: LocalVod,
) -> None:
    cloud.quotas(cdn_file=3)
    takedown = Takedown.objects.create(video=make_video(vod_id="v1"), cause=Takedown.Cause.VOD)
    purge = make_purge(takedown, [*urls(cloud, 1, 2, 3, 4), FOREIGN])
    send_batch("purge")
    purge.refresh_from_db()
    assert (purge.state, purge.urls) == (State.SUBMITTED, urls(cloud, 1, 2, 3))
    rest = purge.parts.get()
    assert (rest.kind, rest.urls) == (CdnTask.Kind.PURGE, [*urls(cloud, 4), FOREIGN])
    assert (rest.takedown, rest.video) == (takedown, takedown.video)
    assert "QuotaExceeded.Refresh" in rest.error_message
    assert rest.delivery is not None
    assert rest.delivery.subject == "v1"
    assert timedelta(minutes=9) < rest.delivery.due_at - timezone.now() < timedelta(minutes=11)
    assert not Lane.objects.paused(timezone.now()).exists()
    cloud.quotas()
    Delivery.objects.filter(pk=rest.delivery.pk).update(due_at=timezone.now())
    send_batch("purge")
    rest.refresh_from_db()
    assert (rest.state, rest.refused_urls) == (State.SUBMITTED, [FOREIGN])
    assert sorted(called(cloud, "RefreshObjectCaches")) == urls(cloud, 1, 2, 3, 4)


def make_purge(takedown: Takedown, paths: list[str]) -> CdnTask:
    with transaction.atomic():
        [task] = purge_media(takedown.video, takedown=takedown, paths=paths)
    return task


def test_an_outage_between_two_parts_prefetches_nothing_twice(
    cloud: LocalVod,
) -> None:
    task = prefetch([*urls(cloud, 1, 2), FOREIGN, *urls(cloud, 3)])
    assert task is not None
    # Calls: all URLs refused; first half accepted; second half fails (the fault).
    cloud.faults({"operation": "PushObjectCache", "kind": "error", "skip": 2})
    send_batch("push_object_cache")
    task.refresh_from_db()
    assert (task.state, task.urls) == (State.SUBMITTED, urls(cloud, 1, 2))
    rest = task.parts.get()
    assert (rest.state, rest.urls) == (State.WAITING, [FOREIGN, *urls(cloud, 3)])
    cloud.faults()
    send_batch("push_object_cache")
    assert pushed(cloud) == urls(cloud, 1, 2, 3)


def test_urls_over_the_quota_go_tomorrow_if_others_are_refused(
    cloud: LocalVod,
) -> None:
    cloud.quotas(cdn_preload=1)
    task = prefetch([FOREIGN, *urls(cloud, 1, 2)])
    assert task is not None
    send_batch("push_object_cache")
    task.refresh_from_db()
    assert (task.state, task.urls) == (State.REFUSED, [FOREIGN])
    rest = task.parts.get()
    assert (rest.state, rest.urls) == (State.WAITING, urls(cloud, 1, 2))
    assert rest.error_message == TOMORROW


def test_a_task_runs_until_the_cdn_reports_all_its_urls(cloud: LocalVod) -> None:
    task = prefetch(urls(cloud, "a", "b"))
    assert task is not None
    work_until_idle(SECONDS)
    CdnTask.objects.update(urls=[*task.urls, *urls(cloud, "c")])  # the CDN does not report "c"
    periodic.check_cdn_tasks()
    task.refresh_from_db()
    assert (task.state, task.finished_at) == (State.SUBMITTED, None)
    assert task.progress < 100
