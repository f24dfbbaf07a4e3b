"""Verification of a takedown: VOD and the CDN are probed; served URLs are purged again."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from shortvideo.outbox import services as outbox
from shortvideo.outbox.models import Delivery, DeliveryState
from tests.factories import make_file
from tests.support.localvod import LocalVod
from tests.videos.takedowns import (
    CHAIN,
    block,
    delivery_of,
    published,
    takedown_of,
    work,
    work_now,
    work_one,
)
from videos.models import (
    CdnTask,
    Takedown,
    Video,
)
from videos.services import delete_video

pytestmark = pytest.mark.django_db(transaction=True)
State = Takedown.State


def test_a_file_without_a_clear_answer_stops_no_other(cloud: LocalVod, settings: Settings) -> None:
    video = published(cloud)
    url = cloud.put_file("stray/clip.mp4", b"video").removeprefix("http://")
    files = [*video.files, make_file("127.0.0.1:9/clip.mp4"), make_file(url)]
    Video.objects.filter(pk=video.pk).update(files=files)
    settings.CDN_DOMAINS = [cloud.endpoint, "127.0.0.1:9"]
    block(video)
    for kind in CHAIN:
        work_one(kind)
    takedown = takedown_of(video)
    assert takedown.problem == "The CDN still serves 1 of the clip's files."
    assert CdnTask.objects.filter(takedown=takedown).latest("id").urls == [url]
    Video.objects.filter(pk=video.pk).update(files=files[:-1])
    assert takedown.verification is not None
    takedown.verification.payload |= {"play": [], "paths": []}
    takedown.verification.save(update_fields=["payload"])
    work_one("purge")
    Delivery.objects.filter(kind="verify_takedown").update(due_at=timezone.now())
    work_one("verify_takedown")
    takedown.refresh_from_db()
    assert takedown.state == State.UNDER_WAY
    assert takedown.problem.startswith("The CDN's answer is unclear for 1 of 6 files: The CDN did")
    assert not Takedown.objects.needing_attention().exists()
    Delivery.objects.filter(kind="verify_takedown").update(
        created_at=timezone.now() - timedelta(minutes=31)
    )
    assert list(Takedown.objects.needing_attention()) == [takedown]


def test_a_file_that_is_still_served_fails_the_takedown(cloud: LocalVod) -> None:
    """localvod's CDN never stops serving a file that VOD does not know."""
    video = published(cloud)
    url = cloud.put_file("stray/clip.mp4", b"video").removeprefix("http://")
    Video.objects.filter(pk=video.pk).update(files=[*video.files, make_file(url)])
    block(video)
    work()
    work_now()
    work_now()
    takedown = takedown_of(video)
    verification = delivery_of(video, "verify_takedown")
    assert (takedown.state, verification.state) == (State.FAILED, DeliveryState.GIVEN_UP)
    assert verification.error_code == "StillServed"
    assert "still serves 1 of" in takedown.problem
    purges = [task.urls for task in CdnTask.objects.filter(takedown=takedown).order_by("id")]
    assert purges[1:] == [[url], [url]]


def test_a_retry_of_a_failed_takedown_verifies_from_the_start(cloud: LocalVod) -> None:
    test_a_file_that_is_still_served_fails_the_takedown(cloud)
    takedown = Takedown.objects.get()
    cloud.reset()  # nothing is served any more
    assert takedown.verification is not None
    outbox.retry(takedown.verification)
    work()
    takedown.refresh_from_db()
    assert (takedown.state, takedown.problem) == (State.VERIFIED, "")


def test_pictures_still_served_are_named_but_do_not_fail_it(
    cloud: LocalVod,
) -> None:
    video = published(cloud)
    url = cloud.put_file("stray/cover.png", b"picture").removeprefix("http://")
    Video.objects.filter(pk=video.pk).update(cover=url)
    block(video)
    work()
    work_now()
    work_now()
    takedown = takedown_of(video)
    assert takedown.state == State.VERIFIED
    assert "1 of 4 pictures are still served" in takedown.problem


def test_a_block_is_not_verified_while_vod_shows_normal(cloud: LocalVod) -> None:
    video = published(cloud)
    block(video)
    assert Delivery.objects.filter(kind="create_audit").update(kind="purge_nothing") == 1
    Delivery.objects.filter(kind="purge_nothing").update(
        state=DeliveryState.DONE, finished_at=video.first_seen_at
    )
    Delivery.objects.update(is_held=False)  # as `finish` would do
    work()
    for _ in range(4):
        work_now("verify_takedown")
    takedown = takedown_of(video)
    assert takedown.state == State.FAILED
    assert takedown.problem == "VOD still has the clip, as Normal."


def test_an_unreadable_answer_does_not_verify_a_deletion(
    cloud: LocalVod,
) -> None:
    video = published(cloud)
    delete_video(video)
    for kind in ("delete_video", "purge"):
        work_one(kind)
    row = {"VideoId": video.vod_id, "Size": "huge"}
    body = json.dumps({"RequestId": "r-1", "VideoList": [row], "NonExistVideoIds": []})
    cloud.faults({"operation": "GetVideoInfos", "kind": "body", "status": 200, "body": body})
    work_one("verify_takedown")
    takedown = takedown_of(video)
    assert (takedown.state, takedown.check_count) == (State.UNDER_WAY, 1)
    assert takedown.problem == "VOD still has the clip, as unknown."
    cloud.faults()
    work_now()
    takedown.refresh_from_db()
    assert (takedown.state, takedown.problem) == (State.VERIFIED, "")
