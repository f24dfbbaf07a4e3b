"""A job without news is read, marked stuck and retried once; then it needs attention."""

from datetime import timedelta

import pytest
from django.utils import timezone

from shortvideo.cloud.types import TaskStatus
from shortvideo.outbox.models import DeliveryState
from shortvideo.outbox.worker import work_until_idle
from tests.factories import make_video
from tests.support.localvod import LocalVod
from tests.videos.transcoding import (
    LONG_AGO,
    NARROWBAND,
    SECONDS,
    STANDARD,
    State,
    accepted,
    running_job,
    silent_for_long,
    told,
    transcoding_video,
)
from videos import periodic
from videos.models import (
    CensorStatus,
    TranscodeJob,
    TranscodeStatus,
    Video,
)
from videos.services import delete_video, submit_transcode

pytestmark = pytest.mark.django_db
working = pytest.mark.django_db(transaction=True)  # a worker has connections of its own


def test_a_long_job_with_progress_is_not_stuck() -> None:
    video = transcoding_video()
    job = running_job(video)
    for progress in (10, 20, 30):
        told(video, progress=progress)
        job.refresh_from_db()
        assert (job.state, job.progress) == (State.SUBMITTED, progress)
        assert job.news_at is not None
        assert job.news_at > timezone.now() - timedelta(minutes=1)
        TranscodeJob.objects.update(news_at=timezone.now() - LONG_AGO)


def test_a_new_status_of_one_stream_is_news() -> None:
    video = transcoding_video()
    job = running_job(video, progress=0, job_ids=["t-1-sd"],
                      streams=[{"job_id": "t-1-sd", "status": "Init", "progress": 0}])  # fmt: skip
    told(video)
    job.refresh_from_db()
    assert (job.state, job.progress) == (State.SUBMITTED, 0)
    assert job.streams == [{"job_id": "t-1-sd", "status": "Transcoding", "progress": 0}]


def test_a_stuck_job_is_retried_once_with_another_session() -> None:
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


def test_a_stuck_retry_needs_attention_and_is_not_retried() -> None:
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
def test_a_job_that_could_not_be_read_is_not_stuck(cloud: LocalVod) -> None:
    video = transcoding_video(vod_id=cloud.seed())
    job = running_job(video)
    cloud.faults({"operation": "GetTranscodeTask", "kind": "error"})
    periodic.check_transcodes()
    job.refresh_from_db()
    assert job.state == State.SUBMITTED


@working
@pytest.mark.parametrize("trouble", ["the video is missing", "the task is refused"])
def test_a_job_that_vods_answers_do_not_mention_is_stuck(
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
    assert "The job of a video could not be read" in caplog.text


@working
def test_a_job_is_read_before_it_is_marked_stuck(cloud: LocalVod) -> None:
    video = make_video(vod_id=cloud.seed(), template_group_id="another-group")
    job = submit_transcode(video, kind=STANDARD)
    work_until_idle(SECONDS)
    TranscodeJob.objects.update(news_at=timezone.now() - LONG_AGO)
    periodic.check_transcodes()
    job.refresh_from_db()
    assert job.state == State.SUCCESS, "the job had ended; its event was lost"
    assert TranscodeJob.objects.count() == 1


def test_a_late_end_of_a_stuck_job_does_not_change_its_retry() -> None:
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


def test_a_stuck_job_with_progress_stays_stuck_until_it_ends() -> None:
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


def test_a_late_success_counts_if_the_retry_is_stuck_too() -> None:
    video = transcoding_video()
    job = running_job(video)
    silent_for_long(video, "t-1")
    accepted(TranscodeJob.objects.get(retry_of=job), "t-2")
    silent_for_long(video, "t-2")
    assert video.transcode_status == TranscodeStatus.FAIL
    told(video, "t-1", TaskStatus.ALL_SUCCEEDED)
    assert video.transcode_status == TranscodeStatus.SUCCESS


def test_an_earlier_reading_is_not_news() -> None:
    video = transcoding_video()
    job = running_job(video)
    now = timezone.now()
    told(video, progress=50, at=now)
    told(video, progress=40, at=now - timedelta(seconds=5))
    job.refresh_from_db()
    assert job.progress == 50


def test_a_stuck_job_of_a_replaced_source_fails() -> None:
    video = transcoding_video()
    job = running_job(video)
    Video.objects.filter(pk=video.pk).update(source_version=2)
    silent_for_long(video, "t-1")
    [ended] = TranscodeJob.objects.all()
    assert (ended.pk, ended.state, ended.error_code) == (job.pk, State.FAIL, "SourceReplaced")
    assert ended.attention_at is None


def test_a_stuck_job_of_a_blocked_video_is_not_retried() -> None:
    video = transcoding_video(censor_status=CensorStatus.FAIL)
    job = running_job(video)
    silent_for_long(video, "t-1", vod_status="Blocked")
    assert list(TranscodeJob.objects.needing_attention()) == [job]
    assert TranscodeJob.objects.count() == 1


def test_a_stuck_narrowband_job_keeps_the_standard_status() -> None:
    video = make_video(narrow_transcode_status=TranscodeStatus.ON_TRANSCODE)
    running_job(video, kind=NARROWBAND, retry_of=running_job(video, "t-0", kind=STANDARD))
    TranscodeJob.objects.filter(task_id="t-0").update(state=State.SUCCESS)
    silent_for_long(video, "t-1")
    assert video.narrow_transcode_status == TranscodeStatus.FAIL
    assert video.transcode_status == TranscodeStatus.SUCCESS


@working
def test_stuck_jobs_are_read_less_often_than_running_jobs(
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


@working
def test_a_job_of_a_deleted_video_is_not_submitted(cloud: LocalVod) -> None:
    video = make_video(vod_id=cloud.seed())
    job = submit_transcode(video, kind=STANDARD)
    delete_video(video)
    work_until_idle(SECONDS, kinds=["submit_transcode"])
    job.refresh_from_db()
    assert (job.state, job.error_code, job.attention_at) == (State.FAIL, "VideoDeleted", None)
    assert cloud.ledger("SubmitTranscodeJobs") == []


@working
def test_a_stuck_job_whose_task_vod_does_not_have_fails(cloud: LocalVod) -> None:
    video = make_video(vod_id=cloud.seed(), template_group_id="another-group")
    job = running_job(video, "0" * 32, created_at=timezone.now() - timedelta(hours=2))
    TranscodeJob.objects.update(state=State.STUCK)
    periodic.check_transcodes()
    job.refresh_from_db()
    assert (job.state, job.error_code) == (State.FAIL, "TaskNotFound")


@working
def test_jobs_of_a_video_end_once_vod_has_deleted_it(cloud: LocalVod) -> None:
    video = make_video(vod_id=cloud.seed())
    running = running_job(video)
    failed = running_job(video, "t-2", kind=NARROWBAND)
    TranscodeJob.objects.filter(pk=failed.pk).update(
        state=State.FAIL, error_code="TranscodeFailed", attention_at=timezone.now()
    )
    delete_video(video)
    periodic.end_jobs_of_deleted_videos()
    running.refresh_from_db()
    assert running.state == State.SUBMITTED, "VOD may still refuse the deletion"
    work_until_idle(SECONDS, kinds=["delete_video"])
    periodic.end_jobs_of_deleted_videos()
    running.refresh_from_db()
    failed.refresh_from_db()
    assert (running.state, running.error_code) == (State.FAIL, "VideoDeleted")
    assert (failed.state, failed.error_code) == (State.FAIL, "TranscodeFailed")
    assert not TranscodeJob.objects.needing_attention().exists()
