"""A job without news: asked about, then stuck, submitted once more, and then shown to a person."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from shortvideo.cloud import vod_gateway
from shortvideo.cloud.types import TaskStatus, TranscodeJobFacts, TranscodeTask, Trigger
from shortvideo.outbox import services as outbox
from shortvideo.outbox.handlers import Done
from shortvideo.outbox.models import Delivery, DeliveryState
from shortvideo.outbox.worker import send_batch, work_until_idle
from tests.factories import make_video
from tests.support.localvod import LocalVod
from tests.videos.support import make_facts
from videos import mirror, periodic
from videos.deliveries.transcode import SubmitTranscodeHandler
from videos.mirror import Reading
from videos.models import (
    CensorStatus,
    TranscodeJob,
    TranscodeKind,
    TranscodeStatus,
    Video,
)
from videos.services import delete_video, retry_transcode, submit_transcode
from videos.services.transcoding import dismiss_transcode

pytestmark = pytest.mark.django_db
working = pytest.mark.django_db(transaction=True)  # a worker has connections of its own

SECONDS = 20
STANDARD, NARROWBAND = TranscodeKind.STANDARD, TranscodeKind.NARROWBAND
State = TranscodeJob.State
LONG_AGO = timedelta(seconds=settings.TRANSCODE_STUCK_SECONDS + 60)


def running_job(video: Video, task_id: str = "t-1", **values: Any) -> TranscodeJob:
    """A job that VOD took long ago and has said nothing about since."""
    return TranscodeJob.objects.create(
        video=video,
        kind=values.pop("kind", STANDARD),
        state=State.SUBMITTED,
        task_id=task_id,
        template_group_id="standard-template-group",
        news_at=timezone.now() - LONG_AGO,
        **values,
    )


def transcoding_video(**values: Any) -> Video:
    return make_video(transcode_status=TranscodeStatus.ON_TRANSCODE, **values)


def told(
    video: Video, task_id: str = "t-1", status: str = TaskStatus.PROCESSING, *,
    progress: int = 0, at: datetime | None = None, vod_status: str = "Normal",
) -> None:  # fmt: skip
    """VOD is asked about the video, and says this about the task."""
    stream = TranscodeJobFacts(f"{task_id}-sd", "Transcoding", progress)
    task = TranscodeTask(task_id, video.vod_id, status, Trigger.MANUAL, "g", jobs=(stream,))
    facts = make_facts(video.vod_id, status=vod_status)
    reading = Reading(replace(facts, read_at=at or timezone.now()), tasks=(task,))
    mirror.apply(reading)
    video.refresh_from_db()


def silent_for_long(video: Video, task_id: str, **values: Any) -> None:
    """The first look brings the streams; then nothing more comes."""
    told(video, task_id, **values)
    TranscodeJob.objects.filter(task_id=task_id).update(news_at=timezone.now() - LONG_AGO)
    told(video, task_id, **values)


def accepted(job: TranscodeJob, task_id: str) -> TranscodeJob:
    """As if the worker had submitted it."""
    Delivery.objects.filter(transcode_job=job).update(
        state=DeliveryState.DONE, finished_at=timezone.now()
    )
    TranscodeJob.objects.filter(pk=job.pk).update(state=State.SUBMITTED, task_id=task_id)
    job.refresh_from_db()
    return job


def test_a_job_that_goes_on_is_not_stuck_however_long_it_takes() -> None:
    video = transcoding_video()
    job = running_job(video)
    for progress in (10, 20, 30):
        told(video, progress=progress)
        job.refresh_from_db()
        assert (job.state, job.progress) == (State.SUBMITTED, progress)
        assert job.news_at is not None
        assert job.news_at > timezone.now() - timedelta(minutes=1)
        TranscodeJob.objects.update(news_at=timezone.now() - LONG_AGO)


def test_one_stream_that_moves_is_news_even_if_their_mean_does_not() -> None:
    video = transcoding_video()
    job = running_job(video, progress=0, job_ids=["t-1-sd"],
                      streams=[{"job_id": "t-1-sd", "status": "Init", "progress": 0}])  # fmt: skip
    told(video)
    job.refresh_from_db()
    assert (job.state, job.progress) == (State.SUBMITTED, 0)
    assert job.streams == [{"job_id": "t-1-sd", "status": "Transcoding", "progress": 0}]


def test_a_stuck_job_is_submitted_once_more_by_itself_under_another_session() -> None:
    video = transcoding_video()
    job = running_job(video, request_id="r-1")
    silent_for_long(video, "t-1")
    job.refresh_from_db()
    retry = TranscodeJob.objects.get(retry_of=job)
    assert (job.state, job.error_code, job.attention_at) == (State.STUCK, "NoNews", None)
    assert (retry.state, retry.request_id) == (State.WAITING, "r-1")
    assert retry.session_id != job.session_id
    assert retry.delivery is not None
    assert retry.delivery.state == DeliveryState.WAITING
    assert video.transcode_status == TranscodeStatus.ON_TRANSCODE


def test_a_retry_that_is_stuck_too_is_shown_and_not_retried_again() -> None:
    video = transcoding_video()
    job = running_job(video)
    silent_for_long(video, "t-1")
    retry = accepted(TranscodeJob.objects.get(retry_of=job), "t-2")
    silent_for_long(video, "t-2")
    retry.refresh_from_db()
    assert (retry.state, retry.error_code) == (State.STUCK, "NoNews")
    assert list(TranscodeJob.objects.needing_attention()) == [retry]
    assert TranscodeJob.objects.count() == 2
    assert video.transcode_status == TranscodeStatus.FAIL


@working
def test_a_job_that_nobody_could_ask_about_is_not_stuck(cloud: LocalVod) -> None:
    video = transcoding_video(vod_id=cloud.seed())
    job = running_job(video)
    cloud.faults({"operation": "GetTranscodeTask", "kind": "error"})
    periodic.check_transcodes()
    job.refresh_from_db()
    assert job.state == State.SUBMITTED


@working
@pytest.mark.parametrize("trouble", ["the video is missing", "the task is refused"])
def test_a_job_of_which_vod_tells_nothing_is_stuck_although_it_answers(
    cloud: LocalVod, caplog: pytest.LogCaptureFixture, trouble: str
) -> None:
    is_missing = trouble == "the video is missing"
    video = transcoding_video(vod_id="gone-from-vod" if is_missing else cloud.seed())
    silent, young = running_job(video), running_job(video, "t-2", kind=NARROWBAND)
    TranscodeJob.objects.filter(pk=young.pk).update(news_at=timezone.now())
    cloud.faults({"operation": "GetTranscodeTask", "kind": "error", "code": "Forbidden.NoRight",
                  "status": 403})  # fmt: skip
    periodic.check_transcodes()
    silent.refresh_from_db()
    young.refresh_from_db()
    assert (silent.state, silent.error_code) == (State.STUCK, "NoNews")
    assert TranscodeJob.objects.filter(retry_of=silent).exists() or silent.attention_at
    assert young.state == State.SUBMITTED
    assert "VOD told nothing about a job" in caplog.text


@working
def test_the_worker_asks_vod_before_it_calls_a_job_stuck(cloud: LocalVod) -> None:
    video = make_video(vod_id=cloud.seed(), template_group_id="another-group")
    job = submit_transcode(video, kind=STANDARD)
    work_until_idle(SECONDS)
    TranscodeJob.objects.update(news_at=timezone.now() - LONG_AGO)
    periodic.check_transcodes()
    job.refresh_from_db()
    assert job.state == State.SUCCESS, "it had ended; only its event was lost"
    assert TranscodeJob.objects.count() == 1


def test_a_stuck_job_that_ends_late_is_recorded_and_leaves_the_newer_one_alone() -> None:
    video = transcoding_video()
    job = running_job(video)
    silent_for_long(video, "t-1")
    retry = accepted(TranscodeJob.objects.get(retry_of=job), "t-2")
    told(video, "t-1", TaskStatus.ALL_FAILED)
    job.refresh_from_db()
    assert (job.state, job.attention_at) == (State.FAIL, None)
    assert video.transcode_status == TranscodeStatus.ON_TRANSCODE, "the retry runs"
    retry.refresh_from_db()
    assert retry.state == State.SUBMITTED


def test_a_stuck_job_that_moves_again_stays_stuck_until_it_ends() -> None:
    video = transcoding_video()
    job = running_job(video)
    silent_for_long(video, "t-1")
    told(video, "t-1", progress=60)
    job.refresh_from_db()
    assert (job.state, job.progress) == (State.STUCK, 60)


@working
def test_the_files_of_a_stuck_job_that_succeeds_late_are_read(cloud: LocalVod) -> None:
    video = make_video(vod_id=cloud.seed(), files=[], template_group_id="another-group")
    job = submit_transcode(video, kind=NARROWBAND)
    work_until_idle(SECONDS)
    TranscodeJob.objects.filter(pk=job.pk).update(
        state=State.STUCK, attention_at=timezone.now(), error_code="NoNews"
    )
    periodic.check_transcodes()
    job.refresh_from_db()
    video.refresh_from_db()
    assert (job.state, job.error_code, job.attention_at) == (State.SUCCESS, "", None)
    assert video.narrow_transcode_status == TranscodeStatus.SUCCESS
    assert any(file["is_narrowband"] for file in video.files)


def test_when_the_retry_is_stuck_too_a_late_success_of_the_first_counts() -> None:
    video = transcoding_video()
    job = running_job(video)
    silent_for_long(video, "t-1")
    accepted(TranscodeJob.objects.get(retry_of=job), "t-2")
    silent_for_long(video, "t-2")
    assert video.transcode_status == TranscodeStatus.FAIL
    told(video, "t-1", TaskStatus.ALL_SUCCEEDED)
    assert video.transcode_status == TranscodeStatus.SUCCESS


def test_what_was_read_before_the_news_is_none() -> None:
    video = transcoding_video()
    job = running_job(video)
    now = timezone.now()
    told(video, progress=50, at=now)
    told(video, progress=40, at=now - timedelta(seconds=5))
    job.refresh_from_db()
    assert job.progress == 50


def test_a_stuck_job_of_a_source_that_was_replaced_ends_with_it() -> None:
    video = transcoding_video()
    job = running_job(video)
    Video.objects.filter(pk=video.pk).update(source_version=2)
    silent_for_long(video, "t-1")
    [ended] = TranscodeJob.objects.all()
    assert (ended.pk, ended.state, ended.error_code) == (job.pk, State.FAIL, "SourceReplaced")
    assert ended.attention_at is None


def test_a_stuck_job_of_a_blocked_video_is_shown_and_not_submitted_again() -> None:
    video = transcoding_video(censor_status=CensorStatus.FAIL)
    job = running_job(video)
    silent_for_long(video, "t-1", vod_status="Blocked")
    assert list(TranscodeJob.objects.needing_attention()) == [job]
    assert TranscodeJob.objects.count() == 1


def test_a_stuck_narrowband_job_leaves_the_standard_status_alone() -> None:
    video = make_video(narrow_transcode_status=TranscodeStatus.ON_TRANSCODE)
    running_job(video, kind=NARROWBAND, retry_of=running_job(video, "t-0", kind=STANDARD))
    TranscodeJob.objects.filter(task_id="t-0").update(state=State.SUCCESS)
    silent_for_long(video, "t-1")
    assert video.narrow_transcode_status == TranscodeStatus.FAIL
    assert video.transcode_status == TranscodeStatus.SUCCESS


@working
def test_running_jobs_are_asked_about_each_round_and_stuck_ones_now_and_then(
    cloud: LocalVod,
) -> None:
    video = make_video(vod_id=cloud.seed(), template_group_id="another-group")
    running_job(video, retry_of=None)
    TranscodeJob.objects.update(state=State.STUCK)
    for _ in range(3):
        periodic.check_transcodes()
    assert len(cloud.ledger("GetVideoInfos")) == 1
    TranscodeJob.objects.update(state=State.SUBMITTED)
    for _ in range(2):
        periodic.check_transcodes()
    assert len(cloud.ledger("GetVideoInfos")) == 3


# --- Submissions that died on the way, or that nobody needs any more


def give_up(delivery: Delivery | None) -> None:
    """As if workers had died over it, time after time."""
    assert delivery is not None
    Delivery.objects.filter(pk=delivery.pk).update(fault_count=settings.OUTBOX_MAX_ATTEMPTS)
    send_batch(delivery.kind)


@working
def test_a_submission_that_workers_died_over_is_shown_as_stuck(cloud: LocalVod) -> None:
    video = make_video(vod_id=cloud.seed())
    job = submit_transcode(video, kind=STANDARD)
    give_up(job.delivery)
    job.refresh_from_db()
    video.refresh_from_db()
    assert (job.state, job.error_code) == (State.STUCK, "WorkerLost")
    assert job.attention_at is not None
    assert video.transcode_status == TranscodeStatus.FAIL


@working
@pytest.mark.parametrize("dismissed", ["", "job", "delivery"])
@pytest.mark.parametrize("how", ["retry", "submit"])
def test_it_is_sent_again_under_its_own_session_so_that_vod_takes_it_once(
    cloud: LocalVod, how: str, dismissed: str
) -> None:
    video = make_video(vod_id=cloud.seed())
    job = submit_transcode(video, kind=STANDARD)
    cloud.faults({"operation": "SubmitTranscodeJobs", "kind": "lost", "is_after": True})
    send_batch("submit_transcode")  # VOD has it, and nobody here knows
    cloud.faults()
    Delivery.objects.update(due_at=timezone.now())
    give_up(job.delivery)
    job.refresh_from_db()
    if dismissed == "job":
        dismiss_transcode(job)
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
def test_one_whose_delivery_is_on_its_way_again_is_not_doubled(cloud: LocalVod, how: str) -> None:
    video = make_video(vod_id=cloud.seed())
    job = submit_transcode(video, kind=STANDARD)
    cloud.faults({"operation": "SubmitTranscodeJobs", "kind": "lost", "is_after": True})
    send_batch("submit_transcode")  # VOD has it, and nobody here knows
    cloud.faults()
    Delivery.objects.update(due_at=timezone.now())
    give_up(job.delivery)
    outbox.retry(Delivery.objects.get(transcode_job=job))  # among the deliveries of the desk
    job.refresh_from_db()
    again = retry_transcode(job) if how == "retry" else submit_transcode(video, kind=STANDARD)
    assert (again.pk, again.state, again.attention_at) == (job.pk, State.WAITING, None)
    work_until_idle(SECONDS)
    again.refresh_from_db()
    taken = cloud.ledger("SubmitTranscodeJobs", accepted=True)
    assert {call["effect"]["task_id"] for call in taken} == {again.task_id}
    assert again.state == State.SUBMITTED


@working
def test_a_submission_that_a_restored_backup_knows_nothing_of_is_recognised(
    cloud: LocalVod,
) -> None:
    video = make_video(vod_id=cloud.seed())
    job = submit_transcode(video, kind=STANDARD)
    group = job.template_group_id
    taken = vod_gateway().submit_transcode(video.vod_id, group, session_id=job.session_id)
    long_after = timezone.now() + timedelta(hours=1)  # than VOD made the task
    Delivery.objects.update(first_attempt_at=long_after)
    send_batch("submit_transcode")
    job.refresh_from_db()
    assert (job.state, job.task_id) == (State.SUBMITTED, taken.task_id)


@working
def test_a_submission_that_vod_has_and_never_lists_is_shown_as_stuck(cloud: LocalVod) -> None:
    """As if another installation had used up its session for a clip of its own."""
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


def test_jobs_of_two_databases_with_one_key_have_sessions_of_their_own() -> None:
    video = make_video()
    one = submit_transcode(video, kind=STANDARD)
    other = TranscodeJob(pk=one.pk, video=video, kind=STANDARD)
    assert one.session_id != other.session_id
    assert max(len(one.session_id), len(other.session_id)) <= 50
    one.refresh_from_db()
    assert one.session_id == TranscodeJob.objects.get(pk=one.pk).session_id, "for good"
    assert TranscodeJob(pk=7, session_key="").session_id == "svc-7", "of an earlier release"


@working
@pytest.mark.parametrize("is_attempt_known", [True, False])  # not in a restored backup
def test_a_submission_so_old_that_vod_forgot_its_session_is_looked_for_first(
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
def test_a_job_of_a_source_that_was_replaced_is_not_submitted(cloud: LocalVod) -> None:
    video = make_video(vod_id=cloud.seed())
    job = submit_transcode(video, kind=STANDARD)
    Video.objects.update(source_version=2, transcode_status=TranscodeStatus.NONE)
    work_until_idle(SECONDS)
    job.refresh_from_db()
    video.refresh_from_db()
    assert (job.state, job.error_code) == (State.FAIL, "SourceReplaced")
    assert job.attention_at is None, "nobody need look"
    assert cloud.ledger("SubmitTranscodeJobs") == []
    assert video.transcode_status == TranscodeStatus.NONE


@working
def test_a_job_of_a_source_that_was_replaced_is_followed_where_vod_has_it(cloud: LocalVod) -> None:
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


@working
def test_a_job_of_a_video_that_was_deleted_is_not_submitted(cloud: LocalVod) -> None:
    video = make_video(vod_id=cloud.seed())
    job = submit_transcode(video, kind=STANDARD)
    delete_video(video)
    work_until_idle(SECONDS, kinds=["submit_transcode"])
    job.refresh_from_db()
    assert (job.state, job.error_code, job.attention_at) == (State.FAIL, "VideoDeleted", None)
    assert cloud.ledger("SubmitTranscodeJobs") == []


@working
def test_a_stuck_job_whose_task_is_gone_from_vod_has_failed(cloud: LocalVod) -> None:
    video = make_video(vod_id=cloud.seed(), template_group_id="another-group")
    job = running_job(video, "0" * 32, created_at=timezone.now() - timedelta(hours=2))
    TranscodeJob.objects.update(state=State.STUCK)
    periodic.check_transcodes()
    job.refresh_from_db()
    assert (job.state, job.error_code) == (State.FAIL, "TaskNotFound")


@working
def test_the_jobs_of_a_video_end_with_it_once_vod_has_deleted_it(cloud: LocalVod) -> None:
    video = make_video(vod_id=cloud.seed())
    running = running_job(video)
    failed = running_job(video, "t-2", kind=NARROWBAND)
    TranscodeJob.objects.filter(pk=failed.pk).update(
        state=State.FAIL, error_code="TranscodeFailed", attention_at=timezone.now()
    )
    delete_video(video)
    periodic.end_jobs_of_deleted_videos()
    running.refresh_from_db()
    assert running.state == State.SUBMITTED, "VOD may refuse the deletion yet"
    work_until_idle(SECONDS, kinds=["delete_video"])
    periodic.end_jobs_of_deleted_videos()
    running.refresh_from_db()
    failed.refresh_from_db()
    assert (running.state, running.error_code) == (State.FAIL, "VideoDeleted")
    assert (failed.state, failed.error_code) == (State.FAIL, "TranscodeFailed")
    assert not TranscodeJob.objects.needing_attention().exists()


def test_a_retried_submission_that_vod_took_beside_a_newer_one_keeps_its_task() -> None:
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
def test_a_dismissed_delivery_takes_its_job_out_of_the_inbox(cloud: LocalVod) -> None:
    job = submit_transcode(make_video(vod_id="unknown-to-vod"), kind=STANDARD)
    work_until_idle(SECONDS)
    assert TranscodeJob.objects.needing_attention().exists()
    outbox.dismiss(Delivery.objects.get(transcode_job=job))
    job.refresh_from_db()
    assert (job.state, job.attention_at) == (State.REFUSED, None)
