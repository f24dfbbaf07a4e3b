"""Webhook events of a video, and the same facts by polling."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone
from pytest_django import Settings

from shortvideo.outbox.models import Delivery
from shortvideo.outbox.worker import work_until_idle
from shortvideo.webhooks.models import Endpoint, Event, EventType
from tests.factories import make_operator, make_video
from tests.support.console import Console
from tests.support.localvod import LocalVod
from tests.support.receiver import Receiver
from tests.videos.support import NOON, make_facts, verdict, video_of
from videos import mirror, periodic
from videos.models import CensorStatus, Decision, Source, TranscodeKind, Video
from videos.services import DecisionInput, delete_video, review_video, submit_transcode, undo_review

from .support import make_endpoint

pytestmark = pytest.mark.django_db(transaction=True)

WITHOUT_MEDIA: dict[str, Any] = {
    "cover": "", "first_frame": "", "source_path": "", "snapshots": [], "files": [],
}  # fmt: skip


@pytest.fixture(autouse=True)
def endpoint(db: None, receiver: Receiver) -> Endpoint:
    """An endpoint that subscribes to every event type."""
    return make_endpoint(receiver)


def emitted(*types: EventType) -> list[tuple[str, dict[str, Any]]]:
    """Return type and data of the emitted events, oldest first."""
    events = Event.objects.order_by("pk")
    if types:
        events = events.filter(type__in=types)
    return list(events.values_list("type", "data"))


def types() -> list[str]:
    return [event_type for event_type, _data in emitted()]


def decide(video: Video, decision: Decision, **values: Any) -> Any:
    new = DecisionInput(decision, **{"source": Source.API, "reason": "spam", **values})
    return review_video(video, new)


def test_a_decision_event_has_operator_reason_and_request(receiver: Receiver) -> None:
    video, operator = make_video(), make_operator("moderator")
    answer = Console(operator).post(
        "createAudit", mediaId=video.vod_id, status="Blocked", reason="violence"
    )
    review = video.decisions.get()
    [(_, decided), (_, unpublished)] = emitted()
    assert types() == ["video.decided", "video.unpublished"]
    assert decided == {
        "decisionId": review.pk,
        "decision": "Blocked",
        "censorStatus": "fail",
        "previousCensorStatus": "success",
        "source": "api",
        "reason": "violence",
        "operator": operator.username,
        "auditor": "",
        "requestId": answer["requestId"],
        "decidedAt": decided["decidedAt"],
    }
    assert unpublished == {
        "censorStatus": "fail", "previousCensorStatus": "success", "isDeleted": False,
    }  # fmt: skip
    work_until_idle(20, kinds=["webhook"])
    sent = [(item.body["type"], item.body["videoId"]) for item in receiver.received]
    assert sent == [("video.decided", video.vod_id), ("video.unpublished", video.vod_id)]


def test_a_repeated_decision_emits_no_further_event() -> None:
    video = make_video(censor_status=CensorStatus.CHECK)
    for _ in range(2):
        decide(video, Decision.NORMAL, reason="")
    assert types() == ["video.decided", "video.published"]


def test_an_undo_emits_events_too(settings: Settings) -> None:
    settings.REVIEW_UNDO_SECONDS = 60
    video = make_video(censor_status=CensorStatus.CHECK)
    operator = make_operator("moderator")
    review = decide(video, Decision.NORMAL, reason="", source=Source.ADMIN, operator=operator)
    undo_review(review, operator=operator)
    assert types() == ["video.decided", "video.published", "video.decided", "video.unpublished"]
    _type, undone = emitted(EventType.DECIDED)[-1]
    assert (undone["decision"], undone["censorStatus"]) == ("Undo", "check")


def test_a_decision_that_vod_refuses_emits_a_return_to_review(cloud: LocalVod) -> None:
    video = make_video(
        vod_id="unknown-to-vod", censor_status=CensorStatus.CHECK, files_read_at=None,
        **WITHOUT_MEDIA,
    )  # fmt: skip
    decide(video, Decision.NORMAL, reason="")
    work_until_idle(20)
    assert types() == ["video.decided", "video.published", "video.decided", "video.unpublished"]
    _type, taken_back = emitted(EventType.DECIDED)[-1]
    assert (taken_back["decision"], taken_back["source"]) == ("Review", "system")


def test_a_decision_in_vods_console_is_emitted_with_auditor(cloud: LocalVod) -> None:
    vod_id = cloud.seed(status="Checking")
    call_command("sync_videos")
    assert emitted() == []
    cloud.audit_in_console(vod_id, "Blocked", "nudity", auditor="Li")
    call_command("sync_videos")
    [(event_type, data)] = emitted()
    assert event_type == "video.decided"
    assert (data["source"], data["auditor"], data["reason"]) == ("vod", "Li", "nudity")


def test_a_verdict_of_machine_review_is_emitted() -> None:
    facts = make_facts(status="Checking")
    mirror.apply(facts)
    mirror.apply(mirror.Reading(make_facts(facts.vod_id, read=70), machine=verdict("pass")))
    assert types() == ["video.decided", "video.published"]
    assert emitted()[0][1]["source"] == "machine"


def test_a_status_from_vods_facts_is_emitted_without_decision() -> None:
    facts = make_facts(status="Checking")
    mirror.apply(facts)
    mirror.apply(make_facts(facts.vod_id, read=70, status="Normal"))
    [(_, decided), (_, published)] = emitted()
    assert types() == ["video.decided", "video.published"]
    assert (decided["decision"], decided["decisionId"], decided["source"]) == (None, None, "vod")
    assert (decided["previousCensorStatus"], decided["censorStatus"]) == ("onCensor", "success")
    assert published["censorStatus"] == "success"


def test_a_new_source_unpublishes_the_video() -> None:
    facts = make_facts(status="Normal")
    mirror.apply(facts)
    mirror.apply(make_facts(facts.vod_id, read=70, status="Checking", size=2_000))
    assert video_of(facts).source_version == 2
    assert types() == ["video.published", "video.decided", "video.unpublished", "video.transcoded"]
    assert emitted(EventType.DECIDED)[0][1]["censorStatus"] == "onCensor"


def test_an_equal_reading_emits_no_event() -> None:
    facts = make_facts(status="Normal")
    mirror.apply(facts)
    mirror.apply(facts)
    mirror.apply(make_facts(facts.vod_id, read=90, status="Normal"))
    assert types() == ["video.published"]


def test_the_first_import_emits_only_changes_of_old_videos() -> None:
    old = make_facts(status="Normal")
    mirror.apply(old, backlog_until=NOON + timedelta(days=1))
    assert emitted() == []
    changed = make_facts(old.vod_id, read=90, status="Blocked")
    mirror.apply(changed, backlog_until=NOON + timedelta(days=1))
    assert types() == ["video.decided", "video.unpublished"]


def test_the_first_sync_emits_no_event_and_the_next_one_does(cloud: LocalVod) -> None:
    cloud.seed(status="Normal")
    call_command("sync_videos")
    assert emitted() == []
    assert Video.objects.get().censor_status == CensorStatus.SUCCESS
    new = cloud.seed(status="Normal")
    call_command("sync_videos", "--full")
    assert [event.subject for event in Event.objects.filter(type=EventType.PUBLISHED)] == [new]


def test_a_dry_run_emits_no_event() -> None:
    mirror.apply(make_facts(status="Normal"), dry_run=True)
    assert emitted() == []


def test_the_end_of_an_automatic_transcoding_is_emitted() -> None:
    facts = make_facts(status="Transcoding")
    mirror.apply(facts)
    mirror.apply(make_facts(facts.vod_id, read=70, status="TranscodeFail"))
    [(_, data)] = emitted(EventType.TRANSCODED)
    assert (data["kind"], data["status"]) == ("standard", "fail")


def test_a_finished_job_is_emitted_with_unsigned_files(cloud: LocalVod) -> None:
    video = make_video(vod_id=cloud.seed(), files=[])
    submit_transcode(video, kind=TranscodeKind.NARROWBAND)
    work_until_idle(20)
    periodic.check_transcodes()
    [(_, data)] = emitted(EventType.TRANSCODED)
    assert (data["kind"], data["status"], data["errorCode"]) == ("narrowband", "success", "")
    assert {file["isNarrowband"] for file in data["files"]} == {True, False}
    assert all(file["path"].startswith(cloud.endpoint) for file in data["files"])
    assert not [file for file in data["files"] if "?" in file["path"]]


def test_a_failed_job_is_emitted_with_its_error(cloud: LocalVod) -> None:
    vod_id = cloud.seed(fail_jobs="narrowband")
    submit_transcode(make_video(vod_id=vod_id), kind=TranscodeKind.NARROWBAND)
    work_until_idle(20)
    periodic.check_transcodes()
    [data] = [
        data
        for _, data in emitted(EventType.TRANSCODED)
        if data["kind"] == TranscodeKind.NARROWBAND
    ]
    assert data["status"] == "fail"
    assert data["errorCode"]


def test_a_job_that_vod_refuses_is_emitted_as_refused(cloud: LocalVod) -> None:
    submit_transcode(make_video(vod_id="unknown-to-vod"), kind=TranscodeKind.STANDARD)
    work_until_idle(20)
    [(_, data)] = emitted(EventType.TRANSCODED)
    assert (data["kind"], data["status"]) == ("standard", "refused")
    assert data["errorCode"] == Delivery.objects.get(kind="submit_transcode").error_code


def test_a_deletion_event_has_operator_and_request() -> None:
    video, operator = make_video(), make_operator("operator")
    answer = Console(operator).post(
        "deleteVideoById",
        videoId=video.vod_id,
        userId=video.uploader.user_id if video.uploader else "",
    )
    assert types() == ["video.unpublished", "video.deleted"]
    assert emitted()[0][1] == {
        "censorStatus": "success", "previousCensorStatus": None, "isDeleted": True,
    }  # fmt: skip
    [(_, data)] = emitted(EventType.DELETED)
    assert (data["operator"], data["requestId"]) == (operator.username, answer["requestId"])
    assert delete_video(video) is None
    assert len(emitted()) == 2


def test_a_video_that_vod_has_lost_is_emitted_as_deleted() -> None:
    video = make_video(censor_status=CensorStatus.FAIL)
    mirror.remove_videos([video.vod_id])
    assert types() == ["video.deleted"]
    assert emitted()[0][1]["operator"] == ""


def test_a_refused_deletion_emits_restored_with_the_error(cloud: LocalVod) -> None:
    video = make_video(vod_id=cloud.seed())
    cloud.faults({"operation": "DeleteVideo", "kind": "error", "code": "Forbidden", "status": 403})
    delete_video(video)
    work_until_idle(20)
    names = ["video.unpublished", "video.deleted", "video.restored", "video.published"]
    assert types() == names
    [(_, data)] = emitted(EventType.RESTORED)
    assert (data["censorStatus"], data["errorCode"]) == ("success", "Forbidden")


def test_a_timeout_of_machine_review_is_emitted(cloud: LocalVod) -> None:
    long_ago = timezone.now() - timedelta(hours=2)
    make_video(
        vod_id=cloud.seed(status="Checking", size=1_500_000), status="Checking", size=1_500_000,
        censor_status=CensorStatus.ON_CENSOR, censor_changed_at=long_ago,
        source_uploaded_at=long_ago,
    )  # fmt: skip
    periodic.sweep_pending()
    _type, data = emitted(EventType.DECIDED)[-1]
    assert (data["censorStatus"], data["source"]) == ("check", "system")


# --- The same facts by polling


def poll(console: Console, since: Any) -> dict[str, dict[str, Any]]:
    """getVideos?updatedSince by video id."""
    data = console.get("getVideos", updatedSince=since.isoformat(), pageSize=100)["data"]
    return {video["videoId"]: video for video in data["videoList"]}


def test_events_and_polling_give_the_same_status(cloud: LocalVod, settings: Settings) -> None:
    settings.REVIEW_UNDO_SECONDS = 60
    console = Console(make_operator("operator"))
    old = timezone.now() - timedelta(days=1)
    blocked, passed, undone, deleted, restored, untouched = (
        make_video(
            vod_id=cloud.seed(), censor_status=status, changed_at=old, **WITHOUT_MEDIA
        )
        for status in ("success", "check", "success", "success", "success", "success")
    )  # fmt: skip
    since = timezone.now() - timedelta(minutes=1)
    decide(blocked, Decision.BLOCKED)
    decide(passed, Decision.NORMAL, reason="")
    operator = make_operator("moderator")
    review = decide(undone, Decision.BLOCKED, source=Source.ADMIN, operator=operator)
    undo_review(review, operator=operator)
    delete_video(deleted)
    work_until_idle(20)
    cloud.faults({"operation": "DeleteVideo", "kind": "error", "code": "Forbidden", "status": 403})
    delete_video(restored)
    work_until_idle(20)
    seen = poll(console, since)
    for event in Event.objects.order_by("pk"):
        if event.subject != deleted.vod_id and "censorStatus" in event.data:
            last = Event.objects.filter(subject=event.subject, data__has_key="censorStatus")
            status = last.order_by("-pk")[0].data["censorStatus"]
            assert seen[event.subject]["censorStatus"] == status
    assert set(seen) == {video.vod_id for video in (blocked, passed, undone, restored)}
    assert untouched.vod_id not in seen


def test_a_poller_finds_a_deletion_by_the_videos_id() -> None:
    console = Console(make_operator("operator"))
    video = make_video()
    since = timezone.now() - timedelta(minutes=1)
    delete_video(video)
    assert poll(console, since) == {}
    assert console.get("getVideoById", videoId=video.vod_id)["code"] == "404"


def test_events_and_polling_give_the_same_transcode_status() -> None:
    console = Console(make_operator("operator"))
    facts = make_facts(status="Transcoding")
    mirror.apply(facts)
    since = timezone.now() - timedelta(minutes=1)
    mirror.apply(make_facts(facts.vod_id, read=70, status="Checking"))
    [(_, data)] = emitted(EventType.TRANSCODED)
    video = video_of(facts)
    assert poll(console, since)[video.vod_id]["transcodeStatus"] == data["status"] == "success"


def submit_refused(cloud: LocalVod) -> Video:
    """Submit a job that VOD refuses, for a video that plays."""
    video = make_video(vod_id="unknown-to-vod", transcode_status="success")
    submit_transcode(video, kind=TranscodeKind.STANDARD)
    work_until_idle(20)
    return video


def submit_lost(cloud: LocalVod) -> Video:
    """Submit a job that fails here too often."""
    video = make_video(vod_id=cloud.seed(), transcode_status="success", **WITHOUT_MEDIA)
    submit_transcode(video, kind=TranscodeKind.STANDARD)
    Delivery.objects.filter(kind="submit_transcode").update(fault_count=1_000)
    work_until_idle(20)
    return video


def submit_withdrawn(cloud: LocalVod) -> Video:
    """Submit a job of a video that is deleted meanwhile and restored."""
    video = make_video(vod_id=cloud.seed(), transcode_status="success", **WITHOUT_MEDIA)
    cloud.faults({"operation": "DeleteVideo", "kind": "error", "code": "Forbidden", "status": 403})
    submit_transcode(video, kind=TranscodeKind.STANDARD)
    delete_video(video)
    work_until_idle(20, kinds=["submit_transcode"])
    work_until_idle(20)
    return video


@pytest.mark.parametrize(
    ("submit", "outcome", "shown"),
    [
        (submit_refused, "refused", "success"),
        (submit_lost, "fail", "fail"),
        (submit_withdrawn, None, "fail"),
    ],
)
def test_events_and_polling_agree_on_a_job_that_vod_lacks(
    cloud: LocalVod, submit: Callable[[LocalVod], Video], outcome: str | None, shown: str
) -> None:
    since = timezone.now() - timedelta(minutes=1)
    video = submit(cloud)
    assert [data["status"] for _, data in emitted(EventType.TRANSCODED)] == (
        [outcome] * bool(outcome)
    )
    answered = poll(Console(make_operator("operator")), since)[video.vod_id]
    last = [data for _, data in emitted() if "transcodeStatus" in data][-1]
    for key in ("transcodeStatus", "narrowTranscodeStatus"):
        assert last[key] == answered[key]
    assert answered["transcodeStatus"] == shown
