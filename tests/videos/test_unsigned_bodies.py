"""An event's body is unsigned: only readings from VOD have an effect."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from shortvideo.cloud import vod_gateway
from shortvideo.outbox.worker import work_until_idle
from tests.support.localvod import LocalVod
from tests.videos.support import follow, receive, receive_bodies
from videos.events.inbox import replay_event
from videos.models import (
    CensorStatus,
    Decision,
    MachineReview,
    ReviewTask,
    Source,
    TaskCause,
    Video,
    VodEvent,
)
from videos.periodic import remove_old_events
from videos.services import DecisionInput, review_video

pytestmark = pytest.mark.django_db(transaction=True)


def moment(minutes: float) -> str:
    return (timezone.now() + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def forge(vod_id: str, kind: str, minutes: float = 0, **content: Any) -> None:
    """Receive a forged body, as under the valid headers of another event, and process it."""
    body = {"EventType": kind, "EventTime": moment(minutes), "VideoId": vod_id, **content}
    if kind == "AIMediaAuditComplete":
        body |= {"MediaId": vod_id, "MediaType": "video"}
    receive_bodies([body])
    work_until_idle(20)


def make_judged_video(vod: LocalVod, suggestion: str = "pass") -> tuple[Video, str]:
    """Seed a video with a machine review. Returns it (unsaved) and the machine's job id."""
    vod_id = vod.seed(status="Checking", announce=True)
    return Video(vod_id=vod_id), judge(vod, vod_id, suggestion)


def judge(vod: LocalVod, vod_id: str, suggestion: str) -> str:
    vod_gateway().update_info(vod_id, tags=[f"verdict:{suggestion}"])
    job_id = vod_gateway().submit_machine_review(vod_id)
    vod.idle()
    return job_id


def make_decided_video(vod: LocalVod, decision: Decision) -> tuple[Video, str]:
    """Seed a video that the machine passed; a person then decides. Returns it and the job id."""
    clip, job_id = make_judged_video(vod)
    follow(vod)
    video = Video.objects.get(vod_id=clip.vod_id)
    review_video(video, DecisionInput(decision, Source.ADMIN, reason="violence"))
    follow(vod)
    video.refresh_from_db()
    return video, job_id


def test_a_forged_upload_and_verdict_publish_no_blocked_video(
    eventful: LocalVod,
) -> None:
    video, job_id = make_decided_video(eventful, Decision.BLOCKED)
    forge(video.vod_id, "FileUploadComplete", minutes=1)
    for named in ({"JobId": job_id}, {"JobId": "unheard-of"}, {}):
        forge(video.vod_id, "AIMediaAuditComplete", minutes=10, **named)
    video.refresh_from_db()
    assert (video.source_version, video.censor_status) == (1, CensorStatus.FAIL)
    assert [status for _, status, _ in eventful.audits()] == ["Normal", "Blocked"]
    assert not ReviewTask.objects.open().exists()


def test_an_event_does_not_move_a_verdict_to_the_next_source(
    eventful: LocalVod,
) -> None:
    video, job_id = make_decided_video(eventful, Decision.BLOCKED)
    Video.objects.update(size=1)  # VOD now has another source
    forge(video.vod_id, "FileUploadComplete")
    for named in ({"JobId": job_id}, {"JobId": "unheard-of"}, {}):
        forge(video.vod_id, "AIMediaAuditComplete", minutes=10, **named)
    video.refresh_from_db()
    assert (video.source_version, video.censor_status) == (2, CensorStatus.ON_CENSOR)
    assert not MachineReview.objects.filter(source_version=2).exists()


def test_a_forged_upload_opens_one_task_and_keeps_the_pass(
    eventful: LocalVod,
) -> None:
    video, _ = make_decided_video(eventful, Decision.NORMAL)
    Video.objects.update(censor_changed_at=timezone.now() - timedelta(hours=1))
    forge(video.vod_id, "FileUploadComplete")
    video.refresh_from_db()
    assert (video.source_version, video.censor_status) == (1, CensorStatus.SUCCESS)
    task = ReviewTask.objects.open().get()
    assert task.cause == TaskCause.RECHECK
    ReviewTask.objects.update(closed_at=timezone.now())
    replay_event(VodEvent.objects.filter(event_type="FileUploadComplete").latest("id"))
    work_until_idle(20)
    assert not ReviewTask.objects.open().exists()


@pytest.mark.parametrize(
    ("first", "second", "status"),
    [("pass", "block", CensorStatus.FAIL), ("block", "pass", CensorStatus.SUCCESS)],
)
@pytest.mark.parametrize("is_reversed", [False, True])
def test_the_later_of_two_machine_reviews_counts_in_any_order(
    eventful: LocalVod, first: str, second: str, status: CensorStatus, is_reversed: bool
) -> None:
    clip, _ = make_judged_video(eventful, first)
    judge(eventful, clip.vod_id, second)
    receive(eventful, "FileUploadComplete")
    told = [
        event["body"]
        for event in eventful.events(clip.vod_id)
        if event["body"]["EventType"] == "AIMediaAuditComplete"
    ]
    for body in reversed(told) if is_reversed else told:
        receive_bodies([body])
        work_until_idle(20)
    assert Video.objects.get().censor_status == status
    for event in VodEvent.objects.filter(event_type="AIMediaAuditComplete"):
        replay_event(event)
        work_until_idle(20)
    assert Video.objects.get().censor_status == status


@pytest.mark.parametrize("is_reversed", [False, True])
def test_a_failed_machine_review_keeps_the_sources_verdict(
    eventful: LocalVod, is_reversed: bool
) -> None:
    clip, _ = make_judged_video(eventful, "block")
    judge(eventful, clip.vod_id, "error")
    told = [
        event["body"]
        for event in eventful.events(clip.vod_id)
        if event["body"]["EventType"] == "AIMediaAuditComplete"
    ]
    for body in reversed(told) if is_reversed else told:
        receive_bodies([body])
        work_until_idle(20)
    assert Video.objects.get().censor_status == CensorStatus.FAIL


def test_an_event_is_stored_without_the_signatures_of_its_urls() -> None:
    url = "http://media.example.com/a.mp4"
    stream = {"FileUrl": f"{url}?auth_key=1-0-0-secret"}
    body = {"EventType": "TranscodeComplete", "VideoId": "v1", "StreamInfos": [stream]}
    receive_bodies([body])
    assert VodEvent.objects.get().body == {**body, "StreamInfos": [{"FileUrl": url}]}


def test_old_processed_events_are_removed_and_failed_ones_stay() -> None:
    states = VodEvent.State
    long_ago = timezone.now() - timedelta(days=91)
    for number, (state, received_at) in enumerate(
        [(states.DONE, long_ago), (states.UNKNOWN, long_ago), (states.FAILED, long_ago),
         (states.WAITING, long_ago), (states.DONE, timezone.now() - timedelta(days=89))]
    ):  # fmt: skip
        VodEvent.objects.create(
            dedupe_key=str(number), body={}, state=state, received_at=received_at
        )
    remove_old_events()
    left = VodEvent.objects.order_by("id").values_list("state", flat=True)
    assert list(left) == [states.FAILED, states.WAITING, states.DONE]
