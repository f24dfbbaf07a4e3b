"""An operator takes back a video that has a tombstone here and still exists in VOD."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from recommendations.models import Recommendation
from shortvideo.errors import InvalidState
from shortvideo.outbox.models import Delivery, DeliveryState
from shortvideo.outbox.worker import work_once, work_until_idle
from tests.admin.conftest import DeskOf, desk_of
from tests.factories import make_operator, make_video
from tests.support.localvod import LocalVod
from tests.videos.reconciling import found, reconcile
from tests.videos.support import make_facts
from tests.videos.takedowns import approve, block
from videos import mirror
from videos.models import CensorStatus, Evidence, ReviewTask, Source, Takedown, Video
from videos.services import delete_video, request_undeletion

pytestmark = pytest.mark.django_db(transaction=True)

__all__ = ["desk_of"]


def make_tombstone(cloud: LocalVod, **values: Any) -> Video:
    """Make a video with a tombstone that VOD still has."""
    video = make_video(vod_id=cloud.seed(), **values)
    mirror.remove_videos([video.vod_id])
    return Video.objects.get(pk=video.pk)


def is_shown(video: Video) -> bool:
    return Video.objects.visible().filter(pk=video.pk).exists()


def test_a_video_that_vod_still_has_can_be_taken_back(cloud: LocalVod) -> None:
    video, operator = make_tombstone(cloud), make_operator()
    assert found(reconcile()) == {"returned": 1}
    request_undeletion(video, operator=operator, request_id="r-1")
    assert not is_shown(video), "not before VOD was read"
    work_until_idle(20)
    assert is_shown(video)
    assert "take back" in LogEntry.objects.get(user=operator).change_message
    assert found(reconcile()) == {}


def test_a_video_in_review_is_in_review_after_the_take_back(cloud: LocalVod) -> None:
    video = make_tombstone(cloud, censor_status=CensorStatus.CHECK)
    request_undeletion(video)
    work_until_idle(20)
    assert ReviewTask.objects.filter(video=video, closed_at=None).count() == 1


def test_a_video_that_vod_does_not_have_stays_deleted(cloud: LocalVod) -> None:
    video = make_video()
    mirror.remove_videos([video.vod_id])
    request_undeletion(video)
    work_until_idle(20)
    assert not is_shown(video)
    asked = Delivery.objects.get(kind="read_video")
    assert (asked.state, asked.error_code) == (DeliveryState.GIVEN_UP, "StillGone")


def read_now() -> None:
    Delivery.objects.filter(kind="read_video").update(due_at=timezone.now())
    work_once(["read_video"])


def test_a_video_blocked_in_vod_comes_back_blocked(
    cloud: LocalVod,
) -> None:
    video = make_video(vod_id=cloud.seed(status="Normal"), recommended=True)
    approve(video)
    work_once(["create_audit"])
    mirror.remove_videos([video.vod_id])
    Takedown.objects.update(state=Takedown.State.VERIFIED, verified_at=timezone.now())
    cloud.set_ahead(5)  # VOD's times are whole seconds
    cloud.audit_in_console(video.vod_id, "Blocked", "seen")
    cloud.faults({"operation": "GetAuditHistory", "kind": "error", "status": 503})
    request_undeletion(video)
    read_now()
    assert not is_shown(video), "the history was not read yet"
    cloud.faults()
    read_now()
    video.refresh_from_db()
    assert (video.deleted_at, video.censor_status) == (None, CensorStatus.FAIL)
    assert not Recommendation.objects.published().exists()
    decision = video.decisions.latest("id")
    assert (decision.source, decision.reason) == (Source.VOD, "seen")
    of_deletion, of_block = Takedown.objects.order_by("id")
    assert of_deletion.state == Takedown.State.REVERSED, "the deletion's takedown ended"
    assert (of_block.decision, of_block.state) == (decision, Takedown.State.UNDER_WAY)


def test_a_blocked_video_keeps_its_evidence_and_its_takedown(cloud: LocalVod) -> None:
    video = make_video(vod_id=cloud.seed(status="Normal"))
    decision = block(video)
    work_once(["create_audit"])
    Evidence.objects.create(video=video, source_version=1)
    mirror.remove_videos([video.vod_id])
    assert Evidence.objects.get().expires_at is not None
    request_undeletion(video)
    read_now()
    assert is_shown(video)
    assert Evidence.objects.get().expires_at is None
    of_block, of_deletion = Takedown.objects.order_by("id")
    assert (of_block.decision, of_block.state) == (decision, Takedown.State.UNDER_WAY)
    assert of_deletion.state == Takedown.State.REVERSED


def test_a_video_deleted_by_an_operator_is_not_taken_back(cloud: LocalVod) -> None:
    video = make_video(vod_id=cloud.seed())
    with pytest.raises(InvalidState, match="It is not deleted"):
        request_undeletion(video)
    delete_video(video)
    with pytest.raises(InvalidState, match="It was deleted here"):
        request_undeletion(video)


def test_a_reading_older_than_the_tombstone_does_not_undelete(cloud: LocalVod) -> None:
    video = make_tombstone(cloud)
    assert video.deleted_at is not None
    earlier = video.deleted_at - timedelta(minutes=1)
    mirror.undelete_found_video(mirror.Reading(replace(make_facts(video.vod_id), read_at=earlier)))
    assert not is_shown(video)


def test_the_desk_offers_take_back_on_the_videos_page(cloud: LocalVod, desk_of: DeskOf) -> None:
    video, deleted = make_tombstone(cloud), make_video(vod_id=cloud.seed())
    delete_video(deleted)
    desk = desk_of("operator")
    assert 'value="take_back"' in desk.page("videos_video_change", video.pk)
    assert 'value="take_back"' not in desk.page("videos_video_change", deleted.pk)
    url = "/admin/videos/video/?deleted=yes"
    data = {"action": "take_back", "_selected_action": [video.pk], "confirmed": "1"}
    desk.client.post(url, data)
    work_until_idle(20)
    assert is_shown(video)
