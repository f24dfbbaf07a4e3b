"""A request with an id that the mirror does not have waits for VOD. No other request does."""

import time

import pytest

from shortvideo.cloud import CloudUnavailable
from shortvideo.outbox.models import Delivery
from shortvideo.outbox.worker import work_until_idle
from tests.support.localvod import LocalVod
from videos.mirror.fetching import fetch_video, read_later
from videos.models import Video
from videos.services import delete_video

pytestmark = pytest.mark.django_db(transaction=True)


def test_an_unknown_video_is_fetched_and_completed_by_the_worker(cloud: LocalVod) -> None:
    vod_id = cloud.seed(title="Noodles", uploader={"userId": "u-1"})
    video = fetch_video(vod_id)
    assert video is not None
    assert (video.vod_id, video.title) == (vod_id, "Noodles")
    assert video.uploader is not None
    work_until_idle(20)
    assert Video.objects.get().files


def test_a_miss_is_remembered(cloud: LocalVod) -> None:
    assert fetch_video("unknown") is None
    assert fetch_video("unknown") is None
    assert len(cloud.ledger("GetVideoInfo")) == 1


@pytest.mark.parametrize("vod_id", ["", "x" * 65, "a\nb", "\x00"])
def test_an_invalid_id_is_not_asked_for(cloud: LocalVod, vod_id: str) -> None:
    assert fetch_video(vod_id) is None
    assert cloud.ledger() == []


def test_a_video_deleted_here_stays_deleted(cloud: LocalVod) -> None:
    vod_id = cloud.seed()
    video = fetch_video(vod_id)
    assert video is not None
    delete_video(video)
    assert fetch_video(vod_id) is None


def test_an_unreachable_vod_does_not_count_as_a_miss(cloud: LocalVod) -> None:
    vod_id = cloud.seed()
    cloud.faults({"operation": "GetVideoInfo", "kind": "error"})
    with pytest.raises(CloudUnavailable):
        fetch_video(vod_id)
    cloud.faults()
    assert fetch_video(vod_id) is not None


def test_a_slow_vod_is_waited_for_at_most_three_seconds(cloud: LocalVod) -> None:
    vod_id = cloud.seed()
    cloud.faults({"operation": "GetVideoInfo", "drip_seconds": 30})
    started = time.monotonic()
    with pytest.raises(CloudUnavailable):
        fetch_video(vod_id)
    assert time.monotonic() - started < 10, "far below the answer's 30 seconds"


def test_a_waiting_reading_is_not_requested_twice(cloud: LocalVod) -> None:
    read_later("abc")
    read_later("abc")
    assert Delivery.objects.count() == 1
