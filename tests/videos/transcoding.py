"""Transcoding jobs, and readings with the tasks that VOD reports for them."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from shortvideo.cloud.types import TaskStatus, TranscodeJobFacts, TranscodeTask, Trigger
from shortvideo.outbox.models import Delivery, DeliveryState
from shortvideo.outbox.worker import send_batch
from tests.factories import make_video
from tests.videos.support import make_facts
from videos import mirror
from videos.mirror import Reading
from videos.models import (
    TranscodeJob,
    TranscodeKind,
    TranscodeStatus,
    Video,
)

SECONDS = 20
STANDARD, NARROWBAND = TranscodeKind.STANDARD, TranscodeKind.NARROWBAND
State = TranscodeJob.State
LONG_AGO = timedelta(seconds=settings.TRANSCODE_STUCK_SECONDS + 60)


def running_job(video: Video, task_id: str = "t-1", **values: Any) -> TranscodeJob:
    """Create a submitted job whose last news is older than the limit for stuck jobs."""
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
    """Apply a reading of the video in which VOD reports this task."""
    stream = TranscodeJobFacts(f"{task_id}-sd", "Transcoding", progress)
    task = TranscodeTask(task_id, video.vod_id, status, Trigger.MANUAL, "g", jobs=(stream,))
    facts = make_facts(video.vod_id, status=vod_status)
    reading = Reading(replace(facts, read_at=at or timezone.now()), tasks=(task,))
    mirror.apply(reading)
    video.refresh_from_db()


def silent_for_long(video: Video, task_id: str, **values: Any) -> None:
    """Apply two equal readings; the second is without news for longer than the limit."""
    told(video, task_id, **values)
    TranscodeJob.objects.filter(task_id=task_id).update(news_at=timezone.now() - LONG_AGO)
    told(video, task_id, **values)


def accepted(job: TranscodeJob, task_id: str) -> TranscodeJob:
    """Mark the job submitted, as the worker would."""
    Delivery.objects.filter(transcode_job=job).update(
        state=DeliveryState.DONE, finished_at=timezone.now()
    )
    TranscodeJob.objects.filter(pk=job.pk).update(state=State.SUBMITTED, task_id=task_id)
    job.refresh_from_db()
    return job


def give_up(delivery: Delivery | None) -> None:
    """Give the delivery up, as if workers had died in it up to the limit."""
    assert delivery is not None
    Delivery.objects.filter(pk=delivery.pk).update(fault_count=settings.OUTBOX_MAX_ATTEMPTS)
    send_batch(delivery.kind)
