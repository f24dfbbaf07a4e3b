"""Submitting and retrying: many clicks, also at the same time, start one job."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from shortvideo.errors import InvalidState
from shortvideo.outbox.models import Delivery, DeliveryState
from tests.factories import make_operator, make_video
from videos.models import (
    CensorStatus,
    TranscodeJob,
    TranscodeKind,
    TranscodeStatus,
    Video,
)
from videos.services import delete_video, dismiss, retry_transcode, submit_transcode

pytestmark = pytest.mark.django_db

STANDARD, NARROWBAND = TranscodeKind.STANDARD, TranscodeKind.NARROWBAND
State = TranscodeJob.State


def failed_job(video: Video | None = None, **values: Any) -> TranscodeJob:
    return TranscodeJob.objects.create(
        video=video or make_video(),
        **{
            "kind": STANDARD,
            "template_group_id": "an-earlier-group",
            "state": State.FAIL,
            "task_id": "t-1",
            "attention_at": timezone.now(),
            **values,
        },
    )


@pytest.mark.parametrize("state", [State.FAIL, State.REFUSED, State.STUCK])
def test_a_retry_of_a_failed_job_is_a_new_row_that_names_it(state: State) -> None:
    job, operator = failed_job(state=state), make_operator()
    retry = retry_transcode(job, operator=operator, request_id="r-1")
    job.refresh_from_db()
    assert (retry.retry_of, retry.requested_by, retry.request_id) == (job, operator, "r-1")
    assert retry.session_id != job.session_id
    assert retry.template_group_id == "standard-template-group", "as it is configured now"
    assert (job.state, job.attention_at) == (state, None)
    assert retry.video.transcode_status == TranscodeStatus.ON_TRANSCODE
    assert Delivery.objects.get(transcode_job=retry).kind == "submit_transcode"


@pytest.mark.parametrize("state", [State.WAITING, State.SUBMITTED, State.SUCCESS])
def test_a_job_that_did_not_fail_is_not_retried(state: State) -> None:
    with pytest.raises(InvalidState, match="Only a job that failed"):
        retry_transcode(failed_job(state=state))


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"censor_status": CensorStatus.FAIL}, "A blocked video cannot be transcoded."),
        ({"deleted_at": timezone.now()}, "The video was deleted."),
        ({"source_version": 2}, "another source since"),
        ({"status": "Transcoding"}, "in the status Transcoding"),
        ({"transcode_status": TranscodeStatus.ON_TRANSCODE}, "is running"),
    ],
)
def test_a_retry_is_refused_if_the_videos_state_forbids_it(
    values: dict[str, Any], sentence: str
) -> None:
    job = failed_job()
    Video.objects.update(**values)
    with pytest.raises(InvalidState, match=sentence):
        retry_transcode(job)
    assert TranscodeJob.objects.count() == 1


def test_only_the_newest_failed_job_of_a_video_is_retried() -> None:
    video = make_video()
    older, newer = failed_job(video), failed_job(video, task_id="t-2")
    with pytest.raises(InvalidState, match="newer job of this kind"):
        retry_transcode(older)
    assert retry_transcode(newer).retry_of == newer


def test_a_failed_job_is_retried_once() -> None:
    job = failed_job()
    retry_transcode(job)
    with pytest.raises(InvalidState, match="is running"):
        retry_transcode(job)


def test_a_retry_of_one_kind_leaves_the_other_alone() -> None:
    video = make_video(narrow_transcode_status=TranscodeStatus.FAIL)
    standard, narrowband = failed_job(video), failed_job(video, kind=NARROWBAND)
    retry_transcode(narrowband)
    video.refresh_from_db()
    standard.refresh_from_db()
    assert (video.transcode_status, video.narrow_transcode_status) == ("success", "onTranscode")
    assert standard.attention_at is not None


def test_a_new_job_dismisses_the_failed_one() -> None:
    job = failed_job()
    submit_transcode(job.video, kind=STANDARD)
    job.refresh_from_db()
    assert job.attention_at is None


def test_a_retry_supersedes_the_refused_submission() -> None:
    job = submit_transcode(make_video(transcode_status=""), kind=STANDARD)
    Delivery.objects.update(state=DeliveryState.GIVEN_UP, finished_at=timezone.now())
    TranscodeJob.objects.update(state=State.REFUSED, attention_at=timezone.now())
    Video.objects.update(transcode_status="")
    retry_transcode(job)
    assert Delivery.objects.get(transcode_job=job).state == DeliveryState.SUPERSEDED


def test_dismissing_keeps_the_jobs_state() -> None:
    job = failed_job()
    dismiss(job, operator=make_operator())
    job.refresh_from_db()
    assert (job.state, job.attention_at) == (State.FAIL, None)
    with pytest.raises(InvalidState, match="does not need attention"):
        dismiss(job)


def test_a_dismissed_job_can_still_be_retried() -> None:
    job = failed_job(attention_at=None)
    assert retry_transcode(job).retry_of == job


def test_a_deleted_video_is_not_transcoded() -> None:
    video = make_video()
    delete_video(video)
    with pytest.raises(Video.DoesNotExist):
        submit_transcode(video, kind=STANDARD)


# --- At the same time


def at_once(work: Callable[[], object], count: int = 4) -> list[str]:
    """Run `work` in `count` threads that start together. Returns "done" or the refusal of each."""
    results: list[str] = []
    barrier = threading.Barrier(count)

    def run() -> None:
        barrier.wait()
        try:
            work()
            results.append("done")
        except InvalidState as refusal:
            results.append(str(refusal))
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(results)


RUNNING = "A standard transcoding job of this video is running."


@pytest.mark.django_db(transaction=True)
def test_clicks_at_the_same_time_submit_one_job() -> None:
    video = make_video()
    results = at_once(lambda: submit_transcode(video, kind=STANDARD))
    assert results == [RUNNING] * 3 + ["done"]
    assert TranscodeJob.objects.count() == Delivery.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_clicks_at_the_same_time_retry_once() -> None:
    job = failed_job()
    results = at_once(lambda: retry_transcode(job))
    assert results == [RUNNING] * 3 + ["done"]
    assert TranscodeJob.objects.exclude(pk=job.pk).count() == 1
