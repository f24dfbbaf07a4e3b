"""Events of localvod: each causes a reading of VOD, which the mirror writes."""

import itertools
import random
from datetime import timedelta

import pytest
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from shortvideo.cloud import vod_gateway
from shortvideo.cloud.types import CallbackSettings
from shortvideo.outbox.models import Delivery, DeliveryState
from shortvideo.outbox.worker import work_until_idle
from tests.factories import make_video
from tests.support.localvod import LocalVod, wait_until
from tests.videos.support import follow, receive_bodies, state_of
from videos.models import CensorStatus, Decision, ReviewTask, Source, TaskCause, Video, VodEvent
from videos.services import DecisionInput, delete_video, review_video

pytestmark = pytest.mark.django_db(transaction=True)

UPLOADER = {"userId": "u-1", "userName": "Mei", "avatarUrl": "https://media.example.com/m.png"}


def test_an_upload_and_its_verdict_arrive_and_are_delivered(
    cloud: LocalVod, live_server: LiveServer, settings: Settings
) -> None:
    settings.VOD_CALLBACK_URL = f"{live_server.url}/vodcallback/callback"
    callback = CallbackSettings(settings.VOD_CALLBACK_URL, auth_key=settings.VOD_CALLBACK_KEY)
    vod_gateway().set_callback(callback)
    vod_id = cloud.seed(status="Checking", uploader=UPLOADER, verdict="pass", announce=True)
    wait_until(lambda: VodEvent.objects.filter(event_type="AIMediaAuditComplete").exists())
    cloud.idle()
    work_until_idle(20)
    video = Video.objects.get(vod_id=vod_id)
    assert video.uploader is not None
    assert (video.uploader.user_id, video.uploader.user_name) == ("u-1", "Mei")
    assert video.censor_status == CensorStatus.SUCCESS
    assert cloud.audits() == [(vod_id, "Normal", "")]
    wait_until(lambda: VodEvent.objects.filter(event_type="CreateAuditComplete").exists())
    work_until_idle(20)
    video.refresh_from_db()
    assert video.status == "Normal"
    assert video.decisions.count() == 1
    assert not VodEvent.objects.exclude(state=VodEvent.State.DONE).exists()


@pytest.mark.parametrize(
    ("verdict", "status", "cause"),
    [
        ("review", CensorStatus.CHECK, TaskCause.MACHINE_VERDICT),
        ("error", CensorStatus.CHECK, TaskCause.MACHINE_FAILED),
        ("block", CensorStatus.FAIL, None),
    ],
)
def test_a_verdict_is_read_from_vod_not_from_the_event(
    eventful: LocalVod, verdict: str, status: CensorStatus, cause: TaskCause | None
) -> None:
    vod_id = eventful.seed(status="Checking", verdict=verdict)
    [told] = [e["body"] for e in eventful.events(vod_id) if "AIMedia" in e["body"]["EventType"]]
    receive_bodies([{**told, "Status": "success", "Data": {"Suggestion": "pass"}}])
    work_until_idle(20)
    assert Video.objects.get(vod_id=vod_id).censor_status == status
    assert list(ReviewTask.objects.open().values_list("cause", flat=True)) == (
        [cause] if cause else []
    )


@pytest.mark.parametrize("seed", range(6))
def test_events_give_the_same_result_in_any_order(eventful: LocalVod, seed: int) -> None:
    vod_id = eventful.seed(status="Checking", uploader=UPLOADER, verdict="review", announce=True)
    eventful.idle()
    bodies = [event["body"] for event in eventful.events(vod_id)]
    bodies += [
        {"EventType": kind, "VideoId": vod_id, "Status": "success", "EventTime": time}
        for kind, time in (
            ("TranscodeComplete", "2026-03-01T12:00:01Z"),
            ("SnapshotComplete", "2026-03-01T12:00:02Z"),
            ("VideoAnalysisComplete", "2026-03-01T12:00:03Z"),
        )
    ]
    shuffled = random.Random(seed)
    shuffled.shuffle(bodies)
    for body in bodies:
        receive_bodies([body] * shuffled.choice([1, 2]))
        if shuffled.random() < 0.5:
            work_until_idle(20)
    work_until_idle(20)
    video = Video.objects.get(vod_id=vod_id)
    assert (video.status, video.censor_status) == ("Checking", CensorStatus.CHECK)
    assert (video.transcode_status, video.snapshot_status) == ("success", "success")
    assert (video.source_version, len(video.snapshots)) == (1, 8)
    assert video.files, "a video that does not play yet has its files from its tasks"
    assert ReviewTask.objects.open().get().cause == TaskCause.MACHINE_VERDICT


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_decision_in_vods_console_overrules_the_machine(
    eventful: LocalVod, order: tuple[int, ...]
) -> None:
    vod_id = eventful.seed(status="Checking", verdict="pass")
    make_video(vod_id=vod_id, status="Checking", censor_status=CensorStatus.ON_CENSOR,
               cover="", first_frame="", source_path="", snapshots=[], files=[])  # fmt: skip
    steps = [
        lambda: follow(eventful, "AIMediaAuditComplete"),
        lambda: eventful.audit_in_console(vod_id, "Blocked", "nudity", auditor="Li"),
        lambda: follow(eventful, "CreateAuditComplete"),
    ]
    for index in order:
        steps[index]()
    follow(eventful)
    follow(eventful)
    video = Video.objects.get(vod_id=vod_id)
    assert video.censor_status == CensorStatus.FAIL
    decision = video.decisions.get(source=Source.VOD)
    assert (decision.auditor, decision.reason) == ("Li", "nudity")
    assert eventful.state(vod_id)["video"]["status"] == "Blocked"


def test_the_event_about_our_own_decision_changes_nothing(eventful: LocalVod) -> None:
    vod_id = eventful.seed(status="Checking")
    follow(eventful)
    video = make_video(vod_id=vod_id, status="Checking", censor_status=CensorStatus.CHECK)
    review_video(video, DecisionInput(Decision.BLOCKED, Source.API, reason="violence"))
    work_until_idle(20)
    follow(eventful, "CreateAuditComplete")
    assert video.decisions.count() == 1
    assert len(eventful.audits()) == 1


def test_an_event_does_not_change_a_video_deleted_here(eventful: LocalVod) -> None:
    vod_id = eventful.seed(announce=True)
    follow(eventful)
    video = Video.objects.get(vod_id=vod_id)
    eventful.faults({"operation": "DeleteVideo", "kind": "error"})
    delete_video(video)
    before = state_of(video)
    receive_bodies(
        [{"EventType": "TranscodeComplete", "VideoId": vod_id, "EventTime": "2026-03-01T12:00:00Z"}]
    )
    work_until_idle(20, kinds=["process_event"])
    assert state_of(video) == before


def test_a_video_deleted_in_vod_is_deleted_here(eventful: LocalVod) -> None:
    vod_id = eventful.seed(announce=True)
    follow(eventful)
    vod_gateway().delete([vod_id])
    follow(eventful, "DeleteMediaComplete")
    assert not Video.objects.visible().exists()


def test_a_forged_deletion_deletes_nothing(eventful: LocalVod) -> None:
    vod_id = eventful.seed(announce=True)
    follow(eventful)
    receive_bodies([{"EventType": "DeleteMediaComplete", "MediaId": vod_id, "DeleteType": "all"}])
    work_until_idle(20)
    assert Video.objects.visible().get().vod_id == vod_id


def test_another_upload_sends_the_video_back_to_review(eventful: LocalVod) -> None:
    vod_id = eventful.seed(announce=True)
    follow(eventful)
    video = Video.objects.get(vod_id=vod_id)
    review_video(video, DecisionInput(Decision.NORMAL, Source.ADMIN, comment="fine"))
    video.refresh_from_db()
    assert video.source_uploaded_at is not None
    Video.objects.update(source_uploaded_at=video.source_uploaded_at - timedelta(minutes=5))
    told = next(
        e["body"] for e in eventful.events(vod_id) if e["body"]["EventType"] == "FileUploadComplete"
    )
    receive_bodies([told])  # a repeated event is stored once and changes nothing
    work_until_idle(20)
    assert Video.objects.get().source_version == 1
    VodEvent.objects.all().delete()
    receive_bodies([told])
    work_until_idle(20)
    video.refresh_from_db()
    assert (video.source_version, video.censor_status) == (2, CensorStatus.ON_CENSOR)


def test_twenty_videos_are_read_in_one_call(eventful: LocalVod) -> None:
    for _ in range(20):
        eventful.seed(status="Checking", announce=True)
    eventful.idle()
    for event in eventful.events():
        receive_bodies([event["body"]])
    work_until_idle(20)
    assert Video.objects.count() == 20
    assert len(eventful.ledger("GetVideoInfos")) == 1


def test_an_event_waits_while_vod_is_down_and_is_processed_after(eventful: LocalVod) -> None:
    eventful.seed(announce=True)
    eventful.idle()
    eventful.faults({"operation": "GetVideoInfos", "kind": "error", "times": 3})
    follow(eventful)
    assert Video.objects.count() == 1
    assert VodEvent.objects.get().state == VodEvent.State.DONE


def test_an_event_with_a_refused_reading_is_stored_as_failed(eventful: LocalVod) -> None:
    eventful.seed(announce=True)
    eventful.faults(
        {"operation": "GetVideoInfos", "kind": "error", "code": "Forbidden", "status": 403}
    )
    follow(eventful)
    event = VodEvent.objects.get()
    assert event.state == VodEvent.State.FAILED
    assert event.error
    assert Delivery.objects.get().state == DeliveryState.GIVEN_UP


def test_we_submit_the_machine_review_if_vod_does_not(
    eventful: LocalVod, settings: Settings
) -> None:
    settings.MACHINE_REVIEW = "submit"
    vod_id = eventful.seed(status="Checking", title="clip [block]", announce=True)
    follow(eventful, "FileUploadComplete")
    assert len(eventful.ledger("SubmitAIMediaAuditJob", accepted=True)) == 1
    follow(eventful, "AIMediaAuditComplete")
    assert Video.objects.get(vod_id=vod_id).censor_status == CensorStatus.FAIL
    follow(eventful)
    assert len(eventful.ledger("SubmitAIMediaAuditJob", accepted=True)) == 1


def test_failed_snapshots_set_the_snapshot_status(eventful: LocalVod) -> None:
    vod_id = eventful.seed(snapshots=0, cover=False, announce=True)
    follow(eventful)
    assert Video.objects.get().snapshot_status == ""
    receive_bodies(
        [{"EventType": "SnapshotComplete", "VideoId": vod_id, "Status": "fail", "EventTime": "x"}]
    )
    work_until_idle(20)
    assert Video.objects.get().snapshot_status == "fail"
