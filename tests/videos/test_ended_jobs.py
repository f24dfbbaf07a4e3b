"""A transcoding job ends, also if VOD never reports its end."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from shortvideo.errors import InvalidState
from shortvideo.outbox.models import Delivery, DeliveryState
from shortvideo.outbox.worker import work_until_idle
from shortvideo.webhooks.models import Event, EventType
from tests.factories import make_video
from tests.support.localvod import LocalVod
from tests.videos.support import after, make_facts, video_of
from tests.webhooks.support import make_endpoint
from videos import mirror, sync
from videos.models import TranscodeJob, TranscodeKind, TranscodeStatus, Video
from videos.services import submit_transcode

pytestmark = pytest.mark.django_db(transaction=True)

SECONDS = 20
STANDARD = TranscodeKind.STANDARD


def running_job(video: Video, task_id: str = "t-1") -> TranscodeJob:
    return TranscodeJob.objects.create(
        video=video,
        kind=STANDARD,
        state=TranscodeJob.State.SUBMITTED,
        task_id=task_id,
        template_group_id="standard-template-group",
    )


def test_a_job_of_an_earlier_source_fails_and_allows_the_next() -> None:
    facts = make_facts()
    mirror.apply(facts)
    job = running_job(video_of(facts))
    mirror.apply(replace(facts, size=2_000, read_at=after(100)))
    job.refresh_from_db()
    assert (job.state, job.error_code) == (TranscodeJob.State.FAIL, "SourceReplaced")
    Video.objects.update(transcode_status=TranscodeStatus.SUCCESS)
    assert submit_transcode(video_of(facts), kind=STANDARD).source_version == 2


def test_an_unsubmitted_job_is_not_submitted_for_a_new_source(
    cloud: LocalVod,
) -> None:
    facts = make_facts(cloud.seed(), template_group_id="another-group")
    mirror.apply(facts)
    job = submit_transcode(video_of(facts), kind=STANDARD)
    mirror.apply(replace(facts, size=2_000, read_at=after(100)))
    work_until_idle(SECONDS)
    assert cloud.ledger("SubmitTranscodeJobs") == []
    assert Delivery.objects.get(transcode_job=job).state == DeliveryState.SUPERSEDED


def test_a_job_that_ends_with_its_source_emits_no_event() -> None:
    facts = make_facts()
    mirror.apply(facts)
    job = submit_transcode(video_of(facts), kind=STANDARD)
    make_endpoint(event_types=[EventType.TRANSCODED])
    mirror.apply(replace(facts, size=2_000, status="Transcoding", read_at=after(100)))
    job.refresh_from_db()
    assert (job.state, job.error_code) == (TranscodeJob.State.FAIL, "SourceReplaced")
    assert video_of(facts).transcode_status == TranscodeStatus.ON_TRANSCODE
    assert not Event.objects.exists()


def test_a_running_job_refuses_another_in_one_sentence() -> None:
    video = make_video()
    running_job(video)
    with pytest.raises(InvalidState, match="is running"):
        submit_transcode(video, kind=STANDARD)


def test_a_job_whose_task_vod_does_not_have_fails(cloud: LocalVod) -> None:
    video = make_video(vod_id=cloud.seed(), template_group_id="another-group")
    job = running_job(video, "0" * 32)
    list(sync.sync_ids([video.vod_id]))
    job.refresh_from_db()
    assert job.state == TranscodeJob.State.SUBMITTED, "VOD may not list it yet"
    TranscodeJob.objects.update(created_at=timezone.now() - timedelta(hours=2))
    list(sync.sync_ids([video.vod_id]))
    job.refresh_from_db()
    video.refresh_from_db()
    assert (job.state, job.error_code) == (TranscodeJob.State.FAIL, "TaskNotFound")
    assert video.transcode_status == TranscodeStatus.FAIL
