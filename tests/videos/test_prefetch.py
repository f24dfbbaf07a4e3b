"""Prefetches: no URL twice, and URLs over the day's quota are sent tomorrow."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from django.db import connections, transaction
from django.utils import timezone
from pytest_django.fixtures import Settings

from shortvideo.cloud import cdn_gateway
from shortvideo.cloud.types import MediaPath
from shortvideo.outbox.models import Delivery, DeliveryState, Lane
from shortvideo.outbox.worker import work_until_idle
from tests.factories import make_operator, make_video
from tests.support.localvod import LocalVod
from tests.videos.cdn_tasks import FOREIGN, SECONDS, State, make_purge, pushed, recorded, urls
from videos import periodic
from videos.models import CdnQuota, CdnTask, CensorStatus, Video
from videos.services import (
    prefetch,
    purge_media,
)
from videos.services.cdn_quota import day_began_at, seconds_until_renewed

pytestmark = pytest.mark.django_db(transaction=True)


def is_due_tomorrow(delivery: Delivery | None) -> bool:
    """Is it due in the first quarter of an hour of the CDN's next day?"""
    assert delivery is not None
    tomorrow = day_began_at(timezone.now()) + timedelta(days=1)
    return tomorrow < delivery.due_at < tomorrow + timedelta(minutes=16)


def begin_next_day(vod: LocalVod) -> None:
    """Renew the quota and make every waiting delivery due."""
    vod.quotas()
    Delivery.objects.waiting().update(due_at=timezone.now())


def test_a_waiting_url_is_not_prefetched_twice() -> None:
    first = recorded(["media.example.com/a.mp4", "media.example.com/b.mp4"])
    assert prefetch(["media.example.com/b.mp4", "media.example.com/a.mp4"]) is None
    second = recorded(["media.example.com/b.mp4", "media.example.com/c.mp4"])
    assert (len(first.urls), second.urls) == (2, ["media.example.com/c.mp4"])


def test_a_running_url_is_not_prefetched_again_until_it_ends(cloud: LocalVod) -> None:
    recorded(urls(cloud, "a"))
    work_until_idle(SECONDS)
    assert prefetch(urls(cloud, "a")) is None
    periodic.check_cdn_tasks()
    assert recorded(urls(cloud, "a")).urls == urls(cloud, "a")


def test_a_purged_url_is_prefetched_again(cloud: LocalVod) -> None:
    video = make_video(cover=urls(cloud, "a")[0], first_frame="", source_path="", snapshots=[],
                       files=[])  # fmt: skip
    recorded(urls(cloud, "a", "b"), video=video)
    work_until_idle(SECONDS)
    with transaction.atomic():
        purge_media(video)
    assert recorded(urls(cloud, "a", "b")).urls == urls(cloud, "a")


def test_an_omitted_or_refused_url_can_be_prefetched_again(cloud: LocalVod) -> None:
    (cover, other), bad = urls(cloud, "cover", "other"), FOREIGN
    video = make_video(vod_id="clip-1", cover=cover, censor_status=CensorStatus.FAIL)
    recorded([cover, bad, other])
    work_until_idle(SECONDS)
    Video.objects.filter(pk=video.pk).update(censor_status=CensorStatus.SUCCESS)
    assert recorded([cover, bad, other]).urls == [cover, bad]


def test_equal_requests_at_the_same_time_record_one_task() -> None:
    together = Barrier(4)

    def click(_: int) -> bool:
        together.wait(30)
        try:
            return prefetch(["media.example.com/a.mp4"]) is not None
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as clicks:
        assert sorted(clicks.map(click, range(4))) == [False, False, False, True]
    assert CdnTask.objects.count() == 1


def test_urls_over_todays_quota_are_sent_tomorrow(cloud: LocalVod) -> None:
    cloud.quotas(cdn_preload=5)
    first = recorded(urls(cloud, 1, 2, 3))
    second = recorded(urls(cloud, 4, 5, 6, 7), operator=make_operator(), request_id="r-1")
    third = recorded(urls(cloud, 8))
    work_until_idle(SECONDS)
    assert pushed(cloud) == list("12345")
    assert len(cloud.ledger("PushObjectCache")) == 1
    for task in (first, second, third):
        task.refresh_from_db()
    assert [first.state, second.state, third.state] == ["submitted", "submitted", "waiting"]
    assert second.urls == urls(cloud, 4, 5)
    rest = second.parts.get()
    assert (rest.state, rest.urls) == ("waiting", urls(cloud, 6, 7))
    assert (rest.operator, rest.request_id) == (second.operator, "r-1")
    for task in (rest, third):
        assert is_due_tomorrow(task.delivery)
        assert task.error_message == "Today's CDN quota is used up; the URLs go out tomorrow."
    begin_next_day(cloud)
    work_until_idle(SECONDS)
    assert sorted(pushed(cloud)) == list("12345678")
    assert set(CdnTask.objects.values_list("state", "error_message")) == {("submitted", "")}


def test_600_urls_with_a_quota_of_500_are_sent_in_two_days(
    cloud: LocalVod,
) -> None:
    cloud.quotas(cdn_preload=500)
    for hundred in range(6):
        recorded(urls(cloud, *(f"{hundred}-{number}" for number in range(100))))
    work_until_idle(60)
    assert len(pushed(cloud)) == 500
    begin_next_day(cloud)
    work_until_idle(60)
    everything = pushed(cloud)
    assert len(everything) == len(set(everything)) == 600


def test_without_quota_the_cdn_is_not_called_and_no_lane_paused(
    cloud: LocalVod,
) -> None:
    cloud.quotas(cdn_preload=0)
    task = recorded(urls(cloud, "a"))
    work_until_idle(SECONDS)
    task.refresh_from_db()
    assert cloud.ledger("PushObjectCache") == []
    assert is_due_tomorrow(task.delivery)
    assert task.delivery is not None
    assert (task.delivery.state, task.delivery.attempts) == (DeliveryState.WAITING, 1)
    assert not Lane.objects.paused(timezone.now()).exists()


def test_a_quota_used_up_by_others_requeues_for_tomorrow(cloud: LocalVod) -> None:
    cloud.faults(
        {
            "operation": "PushObjectCache",
            "kind": "error",
            "status": 400,
            "code": "QuotaExceeded.Preload",
        }
    )
    task = recorded(urls(cloud, "a"))
    work_until_idle(SECONDS)
    assert len(cloud.ledger("PushObjectCache")) == 1
    task.refresh_from_db()
    assert (task.state, is_due_tomorrow(task.delivery)) == ("waiting", True)
    assert not Lane.objects.paused(timezone.now()).exists()


def test_an_unreadable_quota_does_not_stop_a_prefetch(cloud: LocalVod) -> None:
    cloud.faults({"operation": "DescribeRefreshQuota", "kind": "error"})
    task = recorded(urls(cloud, "a"))
    work_until_idle(SECONDS)
    task.refresh_from_db()
    assert task.state == State.SUBMITTED


def test_the_quota_is_stored_when_read_and_when_spent(cloud: LocalVod) -> None:
    assert CdnQuota.objects.known() is None
    cloud.quotas(cdn_preload=10, cdn_file=7)
    periodic.check_cdn_quota()
    quota = CdnQuota.objects.known()
    assert quota is not None
    assert str(quota) == "10/10, 7/7"
    recorded(urls(cloud, "a", "b"))
    work_until_idle(SECONDS)
    quota.refresh_from_db()
    assert (quota.prefetch_left, quota.prefetch_limit) == (8, 10)


def test_without_play_domains_the_quota_is_not_read(cloud: LocalVod, settings: Settings) -> None:
    settings.CDN_DOMAINS = []
    periodic.check_cdn_quota()
    assert cloud.ledger("DescribeRefreshQuota") == []


@pytest.mark.parametrize(
    ("now", "hours"),
    [("2026-03-01T15:00Z", 1), ("2026-03-01T16:00Z", 24), ("2026-03-01T03:00Z", 13)],
)
def test_the_quotas_day_ends_at_midnight_in_beijing(now: str, hours: int) -> None:
    moment = datetime.strptime(now, "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC)
    wait = timedelta(seconds=seconds_until_renewed(moment))
    assert timedelta(hours=hours, minutes=2) <= wait <= timedelta(hours=hours, minutes=15)


def test_a_takedown_waits_only_minutes_for_the_purge_quota(
    cloud: LocalVod,
) -> None:
    cloud.quotas(cdn_file=1)
    for name, path in (("two", urls(cloud, "a", "b")), ("one", urls(cloud, "c"))):
        make_purge(name, path)
    recorded(urls(cloud, "d"))
    work_until_idle(SECONDS)
    states = list(CdnTask.objects.order_by("id").values_list("state", flat=True))
    assert states == ["waiting", "submitted", "submitted"]  # what fits is sent
    late = CdnTask.objects.late_purges().get()
    assert late.delivery is not None
    assert late.delivery.due_at < timezone.now() + timedelta(minutes=11)
    assert "QuotaExceeded.Refresh" in late.error_message
    assert not Lane.objects.paused(timezone.now()).exists()
    begin_next_day(cloud)
    work_until_idle(SECONDS)
    late.refresh_from_db()
    assert (late.state, late.error_message) == ("submitted", "")


@pytest.mark.parametrize(
    "change",
    [{"censor_status": CensorStatus.FAIL}, {"deleted_at": datetime(2026, 3, 1, tzinfo=UTC)}],
)
def test_a_video_blocked_or_deleted_meanwhile_is_not_prefetched(
    cloud: LocalVod, change: dict[str, object]
) -> None:
    video = make_video(censor_status=CensorStatus.SUCCESS)
    task = recorded(urls(cloud, "a"), video=video)
    other = recorded(urls(cloud, "b"))
    Video.objects.filter(pk=video.pk).update(**change)
    work_until_idle(SECONDS)
    task.refresh_from_db()
    other.refresh_from_db()
    assert pushed(cloud) == ["b"]
    assert (task.state, other.state) == (State.SUPERSEDED, State.SUBMITTED)
    assert task.error_message == "Its video was blocked or deleted meanwhile."


def test_three_silent_days_are_counted_from_the_cdns_acceptance(cloud: LocalVod) -> None:
    task = recorded(urls(cloud, "a"))
    CdnTask.objects.update(created_at=timezone.now() - timedelta(days=9))  # requeued many times
    work_until_idle(SECONDS)
    cloud.reset()  # the CDN does not know the task
    periodic.check_cdn_tasks()
    task.refresh_from_db()
    assert task.state == State.SUBMITTED
    Delivery.objects.update(finished_at=timezone.now() - timedelta(days=4))
    periodic.check_cdn_tasks()
    task.refresh_from_db()
    assert task.state == State.FAIL


def test_many_running_tasks_are_checked_in_turn(
    cloud: LocalVod, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("videos.periodic.cdn.ASKED_AT_ONCE", 2)
    for _ in range(5):  # the CDN never reports their URL "z"
        [task_id] = cdn_gateway().purge([MediaPath(urls(cloud, "a")[0])])
        CdnTask.objects.create(
            kind="purge", urls=urls(cloud, "z"), state=State.SUBMITTED, task_ids=[task_id]
        )
    for _ in range(3):
        periodic.check_cdn_tasks()
    assert not CdnTask.objects.filter(checked_at=None).exists()


def test_tasks_sent_in_one_call_are_checked_in_one_call(cloud: LocalVod) -> None:
    names = [str(number) for number in range(9)]
    for name in names:
        recorded(urls(cloud, name))
    work_until_idle(SECONDS)
    assert len({tuple(task.task_ids) for task in CdnTask.objects.all()}) == 1
    periodic.check_cdn_tasks()
    assert len(cloud.ledger("DescribeRefreshTasks")) == 1
    assert not CdnTask.objects.on_their_way().exists()


def test_only_the_latest_open_prefetches_are_searched_for_a_url(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An older waiting URL is prefetched twice: this costs quota, but the search stays short."""
    monkeypatch.setattr("videos.services.cdn.SEARCHED", 2)
    for name in "abc":
        recorded([f"media.example.com/{name}.mp4"])
    again = prefetch([f"media.example.com/{name}.mp4" for name in "abc"])
    assert again is not None
    assert again.urls == ["media.example.com/a.mp4"]
