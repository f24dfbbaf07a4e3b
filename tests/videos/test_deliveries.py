"""Deliveries over HTTP: decisions, jobs, deletions and CDN tasks, in batches and once each."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from shortvideo.outbox import services as outbox
from shortvideo.outbox.models import Delivery, DeliveryState
from shortvideo.outbox.worker import work_until_idle
from tests.factories import make_operator, make_uploader, make_video
from tests.support.localvod import LocalVod
from videos import periodic
from videos.models import (
    CdnTask,
    CensorStatus,
    Decision,
    ReviewTask,
    Source,
    TaskCause,
    TranscodeJob,
    TranscodeKind,
    TranscodeStatus,
    Video,
    VideoDeletion,
)
from videos.services import DecisionInput, delete_video, prefetch, review_video, submit_transcode

pytestmark = pytest.mark.django_db(transaction=True)

SECONDS = 20


def mirrored(vod: LocalVod, *, status: str = "Normal", **values: Any) -> Video:
    """Make a video that VOD has too, without media on the CDN."""
    vod_id = vod.seed(status=status)
    media = {"cover": "", "first_frame": "", "source_path": "", "snapshots": [], "files": []}
    return make_video(vod_id=vod_id, status=status, **{**media, **values})


def block(video: Video, reason: str = "violence", **values: Any) -> Any:
    return review_video(video, DecisionInput(Decision.BLOCKED, Source.API, reason=reason, **values))


def test_a_decision_reaches_vod_with_our_mark_in_its_comment(cloud: LocalVod) -> None:
    video = mirrored(cloud)
    review = block(video, comment="knife at 0:03")
    bare = review_video(mirrored(cloud), DecisionInput(Decision.NORMAL, Source.ADMIN))
    work_until_idle(SECONDS)
    assert (video.vod_id, "Blocked", "violence") in cloud.audits()
    state = cloud.state(video.vod_id)
    assert state["audits"][-1]["comment"] == f"knife at 0:03 #{review.pk}"
    assert cloud.state(bare.video.vod_id)["audits"][-1]["comment"] == f"#{bare.pk}"


def test_a_corrected_reason_of_a_block_reaches_vod(cloud: LocalVod) -> None:
    video = mirrored(cloud)
    for reason in ("spma", "spam"):
        block(video, reason)
        work_until_idle(SECONDS)
    assert cloud.audits() == [(video.vod_id, "Blocked", text) for text in ("spma", "spam")]
    assert cloud.state(video.vod_id)["video"]["status"] == "Blocked"


def test_the_longest_reason_and_comment_fit_with_the_mark(cloud: LocalVod) -> None:
    video = mirrored(cloud)
    block(video, "因" * 42, comment="评" * 160)
    work_until_idle(SECONDS)
    assert cloud.audits() == [(video.vod_id, "Blocked", "因" * 42)]


def test_many_decisions_are_sent_in_one_call(cloud: LocalVod) -> None:
    for video in [mirrored(cloud) for _ in range(30)]:
        block(video)
    work_until_idle(SECONDS, kinds=["create_audit"])
    assert len(cloud.audits()) == 30
    assert len(cloud.ledger("CreateAudit")) == 1


def test_a_video_unknown_to_vod_does_not_stop_the_others(cloud: LocalVod) -> None:
    here_only = make_video(
        vod_id="unknown-to-vod", cover="", first_frame="", snapshots=[], files=[]
    )
    others = [mirrored(cloud) for _ in range(5)]
    for video in [*others[:2], here_only, *others[2:]]:
        block(video)
    work_until_idle(SECONDS)
    assert sorted(audit[0] for audit in cloud.audits()) == sorted(v.vod_id for v in others)
    refused = Delivery.objects.get(kind="create_audit", subject="unknown-to-vod")
    assert (refused.state, refused.error_code) == (
        DeliveryState.GIVEN_UP,
        "InvalidVideo.NotFound",
    )


def test_a_refused_block_stays_blocked_here(cloud: LocalVod) -> None:
    video = make_video(vod_id="unknown-to-vod")
    block(video)
    work_until_idle(SECONDS)
    video.refresh_from_db()
    assert video.censor_status == CensorStatus.FAIL
    assert video.decisions.count() == 1


def test_a_refused_pass_is_logged_and_goes_back_to_review(cloud: LocalVod) -> None:
    video = make_video(vod_id="unknown-to-vod", censor_status=CensorStatus.CHECK)
    review_video(video, DecisionInput(Decision.NORMAL, Source.ADMIN))
    work_until_idle(SECONDS)
    video.refresh_from_db()
    assert video.censor_status == CensorStatus.CHECK
    latest = video.decisions.latest("id")
    assert (latest.source, latest.decision) == (Source.SYSTEM, Decision.REVIEW)
    assert "InvalidVideo.NotFound" in latest.reason
    assert ReviewTask.objects.open().get().cause == TaskCause.RECHECK


def test_a_refused_pass_below_a_newer_block_changes_nothing(cloud: LocalVod) -> None:
    video = make_video(vod_id="unknown-to-vod", censor_status=CensorStatus.CHECK)
    cloud.faults({"operation": "CreateAudit", "latency_seconds": 0.3})
    review_video(video, DecisionInput(Decision.NORMAL, Source.ADMIN))
    block(video)
    work_until_idle(SECONDS)
    video.refresh_from_db()
    assert video.censor_status == CensorStatus.FAIL
    assert video.decisions.latest("id").decision == Decision.BLOCKED


def transcode(video: Video, kind: TranscodeKind = TranscodeKind.STANDARD) -> TranscodeJob:
    return submit_transcode(video, kind=kind, operator=make_operator())


def test_a_job_is_submitted_with_its_session_and_the_uploader(cloud: LocalVod) -> None:
    video = mirrored(cloud, uploader=make_uploader(user_id="u-77"))
    job = transcode(video)
    work_until_idle(SECONDS)
    [call] = cloud.ledger("SubmitTranscodeJobs", accepted=True)
    assert call["parameters"]["SessionId"] == job.session_id
    assert '"userId":"u-77"' in call["parameters"]["UserData"]
    job.refresh_from_db()
    assert (job.state, job.task_id) == (TranscodeJob.State.SUBMITTED, call["effect"]["task_id"])
    assert job.job_ids == call["effect"]["job_ids"]


def test_a_job_whose_answer_was_lost_is_found_and_not_doubled(cloud: LocalVod) -> None:
    video = mirrored(cloud)
    cloud.faults({"operation": "SubmitTranscodeJobs", "kind": "lost", "is_after": True, "times": 1})
    job = transcode(video)
    work_until_idle(SECONDS)
    job.refresh_from_db()
    accepted = cloud.ledger("SubmitTranscodeJobs", accepted=True)
    assert len({call["effect"]["task_id"] for call in accepted}) == 1
    assert (job.state, job.task_id) == (
        TranscodeJob.State.SUBMITTED,
        accepted[0]["effect"]["task_id"],
    )
    assert len(cloud.ledger("SubmitTranscodeJobs")) == 2, "the second attempt was refused"


def test_a_refused_job_restores_the_videos_earlier_status(cloud: LocalVod) -> None:
    video = make_video(vod_id="unknown-to-vod", transcode_status=TranscodeStatus.SUCCESS)
    job = transcode(video)
    video.refresh_from_db()
    assert video.transcode_status == TranscodeStatus.ON_TRANSCODE
    work_until_idle(SECONDS)
    video.refresh_from_db()
    job.refresh_from_db()
    assert video.transcode_status == TranscodeStatus.SUCCESS
    assert (job.state, job.error_code) == (TranscodeJob.State.REFUSED, "InvalidVideo.NotFound")


def test_a_refused_job_can_be_retried(cloud: LocalVod) -> None:
    vod_id = "c" * 32
    video = make_video(vod_id=vod_id)
    job = transcode(video)
    work_until_idle(SECONDS)
    cloud.seed(id=vod_id)
    outbox.retry(Delivery.objects.get(transcode_job=job))
    work_until_idle(SECONDS)
    job.refresh_from_db()
    video.refresh_from_db()
    assert (job.state, job.error_code) == (TranscodeJob.State.SUBMITTED, "")
    assert video.transcode_status == TranscodeStatus.ON_TRANSCODE


def test_a_retried_job_is_not_submitted_while_another_runs(cloud: LocalVod) -> None:
    vod_id = "d" * 32
    video = make_video(vod_id=vod_id)
    refused = transcode(video)
    work_until_idle(SECONDS)
    cloud.seed(id=vod_id)
    outbox.retry(Delivery.objects.get(transcode_job=refused))
    transcode(video)
    work_until_idle(SECONDS)
    assert len(cloud.ledger("SubmitTranscodeJobs", accepted=True)) == 1
    assert Delivery.objects.get(transcode_job=refused).error_code == "OtherJobIsRunning"


def test_a_failed_narrowband_job_keeps_the_standard_status(cloud: LocalVod) -> None:
    vod_id = cloud.seed(fail_jobs="narrowband")
    video = make_video(vod_id=vod_id, template_group_id="standard-template-group")
    transcode(video, TranscodeKind.NARROWBAND)
    work_until_idle(SECONDS)
    periodic.check_transcodes()
    video.refresh_from_db()
    assert video.narrow_transcode_status == TranscodeStatus.FAIL
    assert video.transcode_status == TranscodeStatus.SUCCESS
    job = video.transcode_jobs.get()
    assert (job.state, job.progress) == (TranscodeJob.State.FAIL, 100)
    assert job.error_code


def test_a_failed_standard_job_keeps_the_narrowband_status(cloud: LocalVod) -> None:
    vod_id = cloud.seed(fail_jobs="standard")
    video = make_video(
        vod_id=vod_id,
        narrow_transcode_status="success",
        template_group_id="standard-template-group",
    )
    transcode(video)
    work_until_idle(SECONDS)
    periodic.check_transcodes()
    periodic.check_transcodes()
    video.refresh_from_db()
    assert video.transcode_status == TranscodeStatus.FAIL
    assert video.narrow_transcode_status == TranscodeStatus.SUCCESS


def test_a_successful_job_adds_its_files(cloud: LocalVod) -> None:
    video = make_video(vod_id=cloud.seed(), files=[])
    transcode(video, TranscodeKind.NARROWBAND)
    work_until_idle(SECONDS)
    periodic.check_transcodes()
    video.refresh_from_db()
    assert video.narrow_transcode_status == TranscodeStatus.SUCCESS
    assert {file["is_narrowband"] for file in video.files} == {True, False}
    assert all(file["path"].startswith(cloud.endpoint) for file in video.files)


def test_deletions_are_sent_in_batches_of_twenty(cloud: LocalVod) -> None:
    videos = [mirrored(cloud) for _ in range(24)]
    videos.append(
        make_video(vod_id="gone-already", cover="", first_frame="", snapshots=[], files=[])
    )
    for video in videos:
        delete_video(video)
    work_until_idle(SECONDS)
    assert len(cloud.ledger("DeleteVideo")) == 2
    assert VideoDeletion.objects.filter(state=VideoDeletion.State.DONE).count() == 25
    assert not Video.objects.visible().exists()


def test_a_refused_deletion_undeletes_the_video_for_review(cloud: LocalVod) -> None:
    video = mirrored(cloud, censor_status=CensorStatus.CHECK)
    cloud.faults({"operation": "DeleteVideo", "kind": "error", "code": "Forbidden", "status": 403})
    delete_video(video)
    work_until_idle(SECONDS)
    video.refresh_from_db()
    delivery = Delivery.objects.get(kind="delete_video")
    assert video.deleted_at is None
    assert video.deletions.get().state == VideoDeletion.State.REFUSED
    assert delivery.state == DeliveryState.GIVEN_UP
    assert delivery.error
    assert ReviewTask.objects.open().get().cause == TaskCause.RECHECK


def test_prefetches_share_calls_and_end_with_success(
    cloud: LocalVod,
) -> None:
    for video in [mirrored(cloud) for _ in range(5)]:
        shots = f"{cloud.endpoint}/{video.vod_id}/snapshots/seeded/normalsnapshot"
        prefetch([f"{shots}-{number:05d}.jpg" for number in range(1, 9)], video=video)
    work_until_idle(SECONDS)
    assert len(cloud.ledger("PushObjectCache", accepted=True)) == 1
    assert set(CdnTask.objects.values_list("state", flat=True)) == {CdnTask.State.SUBMITTED}
    assert all(task.task_ids for task in CdnTask.objects.all())
    periodic.check_cdn_tasks()
    assert set(CdnTask.objects.values_list("state", "progress")) == {(CdnTask.State.SUCCESS, 100)}


def test_a_prefetch_call_takes_at_most_a_hundred_urls(cloud: LocalVod) -> None:
    for video in [mirrored(cloud) for _ in range(3)]:
        prefetch([f"{cloud.endpoint}/{video.vod_id}/{part}.mp4" for part in range(40)], video=video)
    work_until_idle(SECONDS)
    assert len(cloud.ledger("PushObjectCache", accepted=True)) == 2


def test_a_block_is_purged_only_after_vod_has_it(cloud: LocalVod) -> None:
    vod_id = cloud.seed(cover=False, snapshots=0, files=False)
    video = make_video(vod_id=vod_id, cover=f"{cloud.endpoint}/{vod_id}/cover.jpg",
                       first_frame="", source_path="", snapshots=[], files=[])  # fmt: skip
    block(video)
    work_until_idle(SECONDS)
    kinds = [call["operation"] for call in cloud.ledger(accepted=True)]
    assert kinds.index("CreateAudit") < kinds.index("RefreshObjectCaches")
    periodic.check_cdn_tasks()
    task = CdnTask.objects.get()
    assert (task.kind, task.state) == (CdnTask.Kind.PURGE, CdnTask.State.SUCCESS)


def test_a_refused_prefetch_does_not_stop_the_others(cloud: LocalVod) -> None:
    prefetch(["not-ours.example.com/a.mp4"])
    prefetch([f"{cloud.endpoint}/a.mp4"])
    work_until_idle(SECONDS)
    assert sorted(CdnTask.objects.values_list("state", flat=True)) == ["refused", "submitted"]
    assert CdnTask.objects.get(state="refused").error_message


def test_a_task_that_the_cdn_has_forgotten_fails_after_days(cloud: LocalVod) -> None:
    task = prefetch([f"{cloud.endpoint}/a.mp4"])
    assert task is not None
    work_until_idle(SECONDS)
    cloud.reset()
    periodic.check_cdn_tasks()
    task.refresh_from_db()
    assert task.state == CdnTask.State.SUBMITTED
    Delivery.objects.update(finished_at=timezone.now() - timedelta(days=4))
    periodic.check_cdn_tasks()
    task.refresh_from_db()
    assert (task.state, task.error_message != "") == (CdnTask.State.FAIL, True)


def test_a_refused_machine_review_opens_a_task_for_a_person(
    cloud: LocalVod, settings: Settings
) -> None:
    video = make_video(vod_id="unknown-to-vod", censor_status=CensorStatus.ON_CENSOR)
    from django.db import transaction

    with transaction.atomic():
        outbox.send("submit_machine_review", subject=video.vod_id)
    work_until_idle(SECONDS)
    video.refresh_from_db()
    assert video.censor_status == CensorStatus.CHECK
    assert ReviewTask.objects.open().get().cause == TaskCause.MACHINE_FAILED
