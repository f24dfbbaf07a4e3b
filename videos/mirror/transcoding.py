"""Transcoding: our jobs, and the automatic job of each upload."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction

from shortvideo.cloud.types import JobStatus, TaskStatus, TranscodeTask, Trigger, VodStatus
from videos.models import (
    TranscodeJob,
    TranscodeKind,
    TranscodeStatus,
    Video,
)
from videos.models.media import PLAYABILITY_FIELDS
from videos.services import announcements
from videos.services.transcoding import (
    end_job,
    end_job_with_source,
    job_shown_on_video,
    jobs_of_video,
    retry_automatically,
    template_group_id,
)

# VOD's status of a video is about its automatic job; our jobs do not change it.
AUTOMATIC: Final[Mapping[str, TranscodeStatus]] = {
    VodStatus.TRANSCODING: TranscodeStatus.ON_TRANSCODE,
    VodStatus.TRANSCODE_FAIL: TranscodeStatus.FAIL,
    VodStatus.CHECKING: TranscodeStatus.SUCCESS,
    VodStatus.BLOCKED: TranscodeStatus.SUCCESS,
    VodStatus.NORMAL: TranscodeStatus.SUCCESS,
}
# One playable stream is a success, as in VOD's own event.
OUTCOMES: Final[Mapping[str, TranscodeJob.State]] = {
    TaskStatus.ALL_SUCCEEDED: TranscodeJob.State.SUCCESS,
    TaskStatus.SOME_SUCCEEDED: TranscodeJob.State.SUCCESS,
    TaskStatus.ALL_FAILED: TranscodeJob.State.FAIL,
}
SHOWN_ON_VIDEO: Final = (  # and the other fields that `emit_mirror_changes` compares
    *(kind.status_field for kind in TranscodeKind),
    "source_version",
    "censor_status",
    *PLAYABILITY_FIELDS,
)
LISTED_WITHIN: Final = timedelta(hours=1)
SHOWN: Final = {
    TranscodeJob.State.WAITING: TranscodeStatus.ON_TRANSCODE,
    TranscodeJob.State.SUBMITTED: TranscodeStatus.ON_TRANSCODE,
    TranscodeJob.State.SUCCESS: TranscodeStatus.SUCCESS,
    TranscodeJob.State.FAIL: TranscodeStatus.FAIL,
    TranscodeJob.State.STUCK: TranscodeStatus.FAIL,
}


def update_jobs(video: Video, tasks: Sequence[TranscodeTask], *, at: datetime) -> bool:
    """Update our jobs by their tasks; returns whether any changed.

    The watchdog acts here: a job is marked stuck if VOD answers, but has had no news of it for too
    long.
    """
    by_id = {task.task_id: task for task in tasks}
    if not by_id:
        return False
    jobs = list(jobs_of_video(video).followed().filter(task_id__in=by_id).select_for_update())
    silent = [job for job in jobs if not _update_job(job, by_id[job.task_id], at=at)]
    stuck = [job for job in silent if _is_overdue(job, at=at)]
    for job in stuck:
        _mark_stuck(job, video, at=at)
    return len(silent) < len(jobs) or bool(stuck)


@transaction.atomic
def mark_silent_jobs_stuck(vod_id: str, *, at: datetime) -> None:
    """Mark jobs stuck that have had no news for too long, after VOD told nothing about the video.

    VOD does not have the video, refuses to tell, or its answer is not understood.
    """
    video = Video.objects.visible().select_for_update().filter(vod_id=vod_id).first()
    if video is None:
        return
    jobs = jobs_of_video(video).filter(state=TranscodeJob.State.SUBMITTED).select_for_update()
    stuck = [job for job in jobs if _is_overdue(job, at=at)]
    if not stuck:
        return
    before = {name: getattr(video, name) for name in SHOWN_ON_VIDEO}
    for job in stuck:
        _mark_stuck(job, video, at=at)
    set_statuses(video)
    video.changed_at = at
    video.save(update_fields=[*(kind.status_field for kind in TranscodeKind), "changed_at"])
    announcements.emit_mirror_changes(video, before)


def end_lost_jobs(video: Video, task_ids: Sequence[str], *, at: datetime) -> bool:
    """End our jobs whose tasks VOD does not have; returns whether there were any.

    VOD may list a task some time after its submission: young jobs are left as they are.
    """
    if not task_ids:
        return False
    jobs = jobs_of_video(video).followed().filter(task_id__in=task_ids)
    lost = list(jobs.filter(created_at__lt=at - LISTED_WITHIN).select_for_update())
    for job in lost:
        attention_at = job.attention_at if job.state == TranscodeJob.State.STUCK else at
        message = "VOD does not have the job's task any more."
        end_job(job, "TaskNotFound", message, at=at, attention_at=attention_at)
    return bool(lost)


def _is_overdue(job: TranscodeJob, *, at: datetime) -> bool:
    """Whether a submitted job has had no news for longer than TRANSCODE_STUCK_SECONDS."""
    limit = timedelta(seconds=settings.TRANSCODE_STUCK_SECONDS)
    is_running = job.state == TranscodeJob.State.SUBMITTED
    return is_running and at - (job.news_at or job.created_at) > limit


def _mark_stuck(job: TranscodeJob, video: Video, *, at: datetime) -> None:
    """Mark a job stuck, then submit it again or show it to an operator.

    If VOD ends the job later, that end is still recorded.
    """
    if job.source_version != video.source_version:
        end_job_with_source(job, at=at)
        return
    minutes = settings.TRANSCODE_STUCK_SECONDS / 60
    job.state, job.checked_at = TranscodeJob.State.STUCK, at
    job.error_code = "NoNews"
    job.error_message = f"VOD was asked, and has said nothing new for over {minutes:.3g} minutes."
    job.save(update_fields=["state", "checked_at", "error_code", "error_message"])
    if retry_automatically(job, video) is None:
        job.attention_at = at
        job.save(update_fields=["attention_at"])


def set_statuses(video: Video, tasks: Sequence[TranscodeTask] = ()) -> None:
    """Set both transcoding statuses on the row, in memory."""
    for kind in TranscodeKind:
        status = _status_of(video, kind, tasks)
        if status is not None:
            setattr(video, kind.status_field, status)


def _status_of(
    video: Video, kind: TranscodeKind, tasks: Sequence[TranscodeTask]
) -> TranscodeStatus | None:
    """Return the status of our latest job, else of the automatic job; None if unknown."""
    job = None if video._state.adding else job_shown_on_video(video, kind)
    if job is not None:
        return SHOWN[TranscodeJob.State(job.state)]
    group = template_group_id(kind)
    if not group or video.template_group_id != group:
        return None
    for task in tasks:
        if task.trigger == Trigger.AUTO and task.template_group_id == group:
            return SHOWN[OUTCOMES.get(task.status, TranscodeJob.State.SUBMITTED)]
    if video.status == VodStatus.BLOCKED and video.transcode_status_of(kind):
        return None  # a block during transcoding hides how the job ends
    return AUTOMATIC.get(video.status)


def _update_job(job: TranscodeJob, task: TranscodeTask, *, at: datetime) -> bool:
    """Write the progress of a job; returns whether that is news.

    A stuck job stays stuck until it ends: another job may run in its place.
    """
    if job.checked_at is not None and at < job.checked_at:
        return False  # an older reading
    before = (job.state, job.progress, job.job_ids, job.streams)
    was_stuck = job.state == TranscodeJob.State.STUCK
    job.state = OUTCOMES.get(task.status, job.state)
    job.progress = _progress_of(task)
    job.job_ids = [item.job_id for item in task.jobs] or job.job_ids
    job.streams = _streams_of(task) or job.streams
    if before == (job.state, job.progress, job.job_ids, job.streams):
        return False
    job.checked_at = job.news_at = at
    if task.status in OUTCOMES:
        job.finished_at = task.complete_time or at
        job.error_code, job.error_message = _error_of(task)
        if job.state == TranscodeJob.State.SUCCESS:
            job.attention_at = None
        elif not was_stuck:
            job.attention_at = at
    job.save(
        update_fields=[
            "state", "progress", "job_ids", "streams", "checked_at", "news_at", "finished_at",
            "error_code", "error_message", "attention_at",
        ]
    )  # fmt: skip
    return True


def _streams_of(task: TranscodeTask) -> list[dict[str, Any]]:
    """Return the value of `TranscodeJob.streams` for a task."""
    return [
        {"job_id": job.job_id, "status": job.status, "progress": job.progress} for job in task.jobs
    ]


def _progress_of(task: TranscodeTask) -> int:
    """Return the mean progress of all streams, in percent."""
    if task.status in OUTCOMES:
        return 100
    return sum(job.progress for job in task.jobs) // len(task.jobs) if task.jobs else 0


def _error_of(task: TranscodeTask) -> tuple[str, str]:
    """Return code and message of the first failed stream.

    A task that failed without a failed stream failed because of its source.
    """
    failed = next((job for job in task.jobs if job.status == JobStatus.FAILED), None)
    if failed is not None:
        return failed.error_code[:128], failed.error_message
    if task.status == TaskStatus.ALL_FAILED:
        return "TranscodeFail", "VOD could not read the source."
    return "", ""
