"""A reading that is scheduled for later (`reread_video`) does not delay one that is due now."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django.fixtures import Settings

from shortvideo.cloud import vod_gateway
from shortvideo.outbox import services as outbox
from shortvideo.outbox.leases import claim
from shortvideo.outbox.models import Delivery, DeliveryState
from shortvideo.outbox.worker import send_batch, work_until_idle
from tests.factories import make_video
from tests.support.localvod import LocalVod
from videos.mirror.fetching import read_later
from videos.models import Decision, Source, Video
from videos.services import DecisionInput, review_video

pytestmark = pytest.mark.django_db(transaction=True)

SECONDS = 20


def make_normal_video(vod: LocalVod) -> Video:
    return make_video(vod_id=vod.seed(status="Normal"), status="Normal")


def title_of(video: Video) -> str:
    video.refresh_from_db()
    return video.title


def lose_worker_of_decision(video: Video) -> Delivery:
    """Send a decision twice, as after a lost worker. Returns the look-back that this schedules."""
    review_video(video, DecisionInput(Decision.BLOCKED, Source.API, reason="violence"))
    now = timezone.now()
    [_] = claim("create_audit", limit=1, now=now)
    Delivery.objects.filter(kind="create_audit").update(lease_until=now - timedelta(seconds=1))
    send_batch("create_audit")
    return Delivery.objects.get(kind="reread_video")


def test_a_reading_does_not_wait_for_a_look_back(cloud: LocalVod, settings: Settings) -> None:
    settings.REVIEW_LOOK_BACK_SECONDS = 3_600
    video = make_normal_video(cloud)
    look_back = lose_worker_of_decision(video)
    vod_gateway().update_info(video.vod_id, title="Newer")
    read_later(video.vod_id)
    work_until_idle(SECONDS, kinds=["read_video", "reread_video"])
    assert title_of(video) == "Newer"
    look_back.refresh_from_db()
    assert (look_back.state, look_back.claim_count) == (DeliveryState.WAITING, 0)


def test_the_look_back_finds_a_decision_that_arrived_late(
    cloud: LocalVod, settings: Settings
) -> None:
    settings.REVIEW_LOOK_BACK_SECONDS = 3_600
    video = make_normal_video(cloud)
    look_back = lose_worker_of_decision(video)
    read_later(video.vod_id)
    work_until_idle(SECONDS, kinds=["read_video", "reread_video"])
    cloud.audit_in_console(video.vod_id, "Normal", "", "Wang")
    vod_gateway().update_info(video.vod_id, title="Newest")
    Delivery.objects.filter(pk=look_back.pk).update(due_at=timezone.now())
    work_until_idle(SECONDS, kinds=["read_video", "reread_video"])
    look_back.refresh_from_db()
    assert look_back.state == DeliveryState.DONE
    assert title_of(video) == "Newest"
    assert video.decisions.order_by("id").last() == video.decisions.get(source=Source.VOD)
    assert not Delivery.objects.open().filter(kind__in=["read_video", "reread_video"]).exists()


def test_a_reading_does_not_wait_for_a_held_reading(
    cloud: LocalVod,
) -> None:
    video = make_normal_video(cloud)
    review = review_video(video, DecisionInput(Decision.NORMAL, Source.API))
    with transaction.atomic():
        later = outbox.send("reread_video", subject=video.vod_id, after=review.delivery)
    vod_gateway().update_info(video.vod_id, title="Newer")
    read_later(video.vod_id)
    work_until_idle(SECONDS, kinds=["read_video", "reread_video"])
    assert title_of(video) == "Newer"
    later.refresh_from_db()
    assert later.is_held
    work_until_idle(SECONDS)
    later.refresh_from_db()
    assert later.state == DeliveryState.DONE
