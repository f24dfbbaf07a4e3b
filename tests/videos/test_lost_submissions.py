"""A submission that VOD may have accepted: it is found again and never doubled."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from shortvideo.cloud import vod_gateway
from shortvideo.outbox import services as outbox
from shortvideo.outbox.handlers import Done
from shortvideo.outbox.models import Delivery, DeliveryState
from shortvideo.outbox.worker import send_batch, work_until_idle
from tests.factories import make_video
from tests.support.localvod import LocalVod
from tests.videos.transcoding import SECONDS, STANDARD, State, give_up, running_job
from videos.deliveries.transcoding import SubmitTranscodeHandler
from videos.models import (
    TranscodeJob,
    TranscodeStatus,
    Video,
)
from videos.services import dismiss, retry_transcode, submit_transcode

pytestmark = pytest.mark.django_db
working = pytest.mark.django_db(transaction=True)  # a worker has connections of its own


@working
def test_a_submission_that_kills_its_workers_becomes_stuck(cloud: LocalVod) -> None:
    video = make_video(vod_id=cloud.seed())
    job = submit_transcode(video, kind=STANDARD)
    give_up(job.delivery)
    job.refresh_from_db()
    video.refresh_from_db()
    assert (job.state, job.error_code) == (State.STUCK, "WorkerLost")
    assert job.attention_at is not None
    assert video.transcode_status == TranscodeStatus.FAIL


def lost_submission(cloud: LocalVod) -> tuple[Video, TranscodeJob]:
    """Submit a job that VOD accepts; its answer is lost, then the workers of its delivery die."""
    video = make_video(vod_id=cloud.seed())
    job = submit_transcode(video, kind=STANDARD)
    cloud.faults({"operation": "SubmitTranscodeJobs", "kind": "lost", "is_after": True})
    send_batch("submit_transcode")
    cloud.faults()
    Delivery.objects.update(due_at=timezone.now())
    give_up(job.delivery)
    return video, job


@working
@pytest.mark.parametrize("dismissed", ["", "job", "delivery"])
@pytest.mark.parametrize("how", ["retry", "submit"])
def test_a_lost_submission_is_sent_again_with_its_session(
    cloud: LocalVod, how: str, dismissed: str
) -> None:
    video, job = lost_submission(cloud)
    job.refresh_from_db()
    if dismissed == "job":
        dismiss(job)
    elif dismissed == "delivery":
        outbox.dismiss(Delivery.objects.get(transcode_job=job))
    again = retry_transcode(job) if how == "retry" else submit_transcode(video, kind=STANDARD)
    assert again.pk == job.pk
    work_until_idle(SECONDS)
    job.refresh_from_db()
    taken = cloud.ledger("SubmitTranscodeJobs", accepted=True)
    assert len({call["effect"]["task_id"] for call in taken}) == 1
    assert (job.state, job.task_id) == (State.SUBMITTED, taken[0]["effect"]["task_id"])
    assert job.attention_at is None


@working
@pytest.mark.parametrize("how", ["retry", "submit"])
def test_a_submission_whose_delivery_is_retried_is_not_doubled(cloud: LocalVod, how: str) -> None:
    video, job = lost_submission(cloud)
    outbox.retry(Delivery.objects.get(transcode_job=job))  # on the desk's list of deliveries
    job.refresh_from_db()
    again = retry_transcode(job) if how == "retry" else submit_transcode(video, kind=STANDARD)
    assert (again.pk, again.state, again.attention_at) == (job.pk, State.WAITING, None)
    work_until_idle(SECONDS)
    again.refresh_from_db()
    taken = cloud.ledger("SubmitTranscodeJobs", accepted=True)
    assert {call["effect"]["task_id"] for call in taken} == {again.task_id}
    assert again.state == State.SUBMITTED


@working
def test_a_submission_made_after_the_backup_is_recognised(
    cloud: LocalVod,
) -> None:
    video = make_video(vod_id=cloud.seed())
    job = submit_transcode(video, kind=STANDARD)
    group = job.template_group_id
    taken = vod_gateway().submit_transcode(video.vod_id, group, session_id=job.session_id)
    long_after = timezone.now() + timedelta(hours=1)  # after VOD made the task
    Delivery.objects.update(first_attempt_at=long_after)
    send_batch("submit_transcode")
    job.refresh_from_db()
    assert (job.state, job.task_id) == (State.SUBMITTED, taken.task_id)


@working
def test_a_submission_that_vod_never_lists_becomes_stuck(cloud: LocalVod) -> None:
    """As if another installation had used the same session for its own video."""
    job = submit_transcode(make_video(vod_id=cloud.seed()), kind=STANDARD)
    other = cloud.seed()
    group = job.template_group_id
    vod_gateway().submit_transcode(other, group, session_id=job.session_id)
    last = settings.OUTBOX_MAX_ATTEMPTS - 1
    Delivery.objects.update(fault_count=last - 1)
    for _ in range(2):
        Delivery.objects.update(due_at=timezone.now())
        send_batch("submit_transcode")
    job.refresh_from_db()
    assert (job.state, job.error_code) == (State.STUCK, "AttemptsExhausted")
    assert job.attention_at is not None
    assert "does not list its task yet" in job.error_message


def test_jobs_of_two_databases_have_different_sessions() -> None:
    video = make_video()
    one = submit_transcode(video, kind=STANDARD)
    other = TranscodeJob(pk=one.pk, video=video, kind=STANDARD)
    assert one.session_id != other.session_id
    assert max(len(one.session_id), len(other.session_id)) <= 50
    one.refresh_from_db()
    assert one.session_id == TranscodeJob.objects.get(pk=one.pk).session_id, "stored"
    assert TranscodeJob(pk=7, session_key="").session_id == "svc-7", "of an earlier release"


@working
@pytest.mark.parametrize("is_attempt_known", [True, False])  # not in a restored backup
def test_an_old_submission_is_looked_for_in_vod_first(
    cloud: LocalVod, is_attempt_known: bool
) -> None:
    video = make_video(vod_id=cloud.seed())
    job = submit_transcode(video, kind=STANDARD)
    cloud.faults({"operation": "SubmitTranscodeJobs", "kind": "lost", "is_after": True})
    send_batch("submit_transcode")
    cloud.faults()
    eight_days_ago = timezone.now() - timedelta(days=8)
    TranscodeJob.objects.update(created_at=eight_days_ago)
    Delivery.objects.update(first_attempt_at=eight_days_ago, due_at=timezone.now())
    if not is_attempt_known:
        Delivery.objects.update(first_attempt_at=None, claim_count=0, attempts=0)
    work_until_idle(SECONDS)
    assert len(cloud.ledger("SubmitTranscodeJobs")) == 1
    job.refresh_from_db()
    assert job.state == State.SUBMITTED


@working
def test_a_job_of_a_replaced_source_is_not_submitted(cloud: LocalVod) -> None:
    video = make_video(vod_id=cloud.seed())
    job = submit_transcode(video, kind=STANDARD)
    Video.objects.update(source_version=2, transcode_status=TranscodeStatus.NONE)
    work_until_idle(SECONDS)
    job.refresh_from_db()
    video.refresh_from_db()
    assert (job.state, job.error_code) == (State.FAIL, "SourceReplaced")
    assert job.attention_at is None
    assert cloud.ledger("SubmitTranscodeJobs") == []
    assert video.transcode_status == TranscodeStatus.NONE


@working
def test_a_lost_submission_of_a_deleted_video_needs_nobody(cloud: LocalVod) -> None:
    video = make_video(vod_id=cloud.seed())
    job = submit_transcode(video, kind=STANDARD)
    cloud.faults({"operation": "SubmitTranscodeJobs", "kind": "lost", "is_after": True})
    send_batch("submit_transcode")
    cloud.faults()
    vod_gateway().delete([video.vod_id])
    Video.objects.update(deleted_at=timezone.now())
    work_until_idle(SECONDS)
    job.refresh_from_db()
    assert (job.state, job.error_code, job.attention_at) == (State.FAIL, "VideoDeleted", None)


@working
def test_vods_own_refusal_outlasts_a_deletion(cloud: LocalVod) -> None:
    video = make_video(vod_id=cloud.seed())
    job = submit_transcode(video, kind=STANDARD)
    code = "Forbidden.IllegalStatus"
    cloud.faults({"operation": "SubmitTranscodeJobs", "kind": "error", "code": code, "status": 403})
    vod_gateway().delete([video.vod_id])
    work_until_idle(SECONDS)
    job.refresh_from_db()
    assert (job.state, job.error_code) == (State.REFUSED, code)


@working
def test_a_submitted_job_of_a_replaced_source_is_followed(cloud: LocalVod) -> None:
    video = make_video(vod_id=cloud.seed())
    job = submit_transcode(video, kind=STANDARD)
    cloud.faults({"operation": "SubmitTranscodeJobs", "kind": "lost", "is_after": True})
    send_batch("submit_transcode")
    cloud.faults()
    Video.objects.update(source_version=2)
    work_until_idle(SECONDS)
    job.refresh_from_db()
    assert (job.state, job.task_id != "") == (State.SUBMITTED, True)
    assert len(cloud.ledger("SubmitTranscodeJobs")) == 1


def test_a_retried_submission_beside_a_newer_job_keeps_its_task() -> None:
    video = make_video()
    job = submit_transcode(video, kind=STANDARD)
    TranscodeJob.objects.filter(pk=job.pk).update(state=State.REFUSED)
    newer = running_job(video, "t-2")
    delivery = Delivery.objects.get(transcode_job=job)
    delivery.state, delivery.finished_at = DeliveryState.DONE, timezone.now()
    delivery.result = {"task_id": "t-1", "job_ids": ["t-1-sd"]}
    delivery.save()
    SubmitTranscodeHandler().settle(delivery, Done(delivery.result))
    job.refresh_from_db()
    newer.refresh_from_db()
    assert (job.state, job.task_id, job.error_code) == (State.STUCK, "t-1", "OtherJobIsRunning")
    assert job.attention_at is not None
    assert newer.state == State.SUBMITTED


@working
def test_dismissing_a_delivery_dismisses_its_job(cloud: LocalVod) -> None:
    job = submit_transcode(make_video(vod_id="unknown-to-vod"), kind=STANDARD)
    work_until_idle(SECONDS)
    assert TranscodeJob.objects.needing_attention().exists()
    outbox.dismiss(Delivery.objects.get(transcode_job=job))
    job.refresh_from_db()
    assert (job.state, job.attention_at) == (State.REFUSED, None)
