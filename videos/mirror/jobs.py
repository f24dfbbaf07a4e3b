"""Transcoding: the jobs of ours, and the automatic one that an upload carries."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from shortvideo.cloud.types import JobStatus, TaskStatus, TranscodeTask, Trigger, VodStatus
from videos.models import (
    TranscodeJob,
    TranscodeJobQuerySet,
    TranscodeKind,
    TranscodeStatus,
    Video,
)
from videos.services.transcoding import template_group_id

# A job of ours leaves VOD's status of the video alone, so it speaks of the automatic one.
AUTOMATIC: Final[Mapping[str, TranscodeStatus]] = {
    VodStatus.TRANSCODING: TranscodeStatus.ON_TRANSCODE,
    VodStatus.TRANSCODE_FAIL: TranscodeStatus.FAIL,
    VodStatus.CHECKING: TranscodeStatus.SUCCESS,
    VodStatus.BLOCKED: TranscodeStatus.SUCCESS,
    VodStatus.NORMAL: TranscodeStatus.SUCCESS,
}
# As VOD's own event has it: one stream that can be played is a success.
OUTCOMES: Final[Mapping[str, TranscodeJob.State]] = {
    TaskStatus.ALL_SUCCEEDED: TranscodeJob.State.SUCCESS,
    TaskStatus.SOME_SUCCEEDED: TranscodeJob.State.SUCCESS,
    TaskStatus.ALL_FAILED: TranscodeJob.State.FAIL,
}
LISTED_WITHIN: Final = timedelta(hours=1)
SHOWN: Final = {
    TranscodeJob.State.WAITING: TranscodeStatus.ON_TRANSCODE,
    TranscodeJob.State.SUBMITTED: TranscodeStatus.ON_TRANSCODE,
    TranscodeJob.State.SUCCESS: TranscodeStatus.SUCCESS,
    TranscodeJob.State.FAIL: TranscodeStatus.FAIL,
}


def update(video: Video, tasks: Sequence[TranscodeTask], *, at: datetime) -> bool:
    """Bring our jobs up to date with their tasks; returns whether any changed."""
    by_id = {task.task_id: task for task in tasks}
    if not by_id:
        return False
    ours = jobs_of(video).filter(task_id__in=by_id).select_for_update()
    changed = [update_job(job, by_id[job.task_id], at=at) for job in ours]
    return any(changed)


def end_lost(video: Video, task_ids: Sequence[str], *, at: datetime) -> bool:
    """End our jobs whose tasks VOD does not have; returns whether there were any.

    A task may take a moment to be listed after its submission: a young job is left as it is.
    """
    if not task_ids:
        return False
    ours = jobs_of(video).running().filter(task_id__in=task_ids, created_at__lt=at - LISTED_WITHIN)
    lost = list(ours.select_for_update())
    for job in lost:
        end(job, "TaskNotFound", "VOD does not have the job's task any more.", at=at)
    return bool(lost)


def end(job: TranscodeJob, code: str, message: str, *, at: datetime) -> None:
    """Give up following a job of ours: it counts as failed."""
    job.state = TranscodeJob.State.FAIL
    job.error_code, job.error_message = code, message
    job.checked_at = job.finished_at = at
    job.save(update_fields=["state", "error_code", "error_message", "checked_at", "finished_at"])


def follow(video: Video, tasks: Sequence[TranscodeTask] = ()) -> None:
    """Set both transcoding statuses on the row, in memory."""
    for kind in TranscodeKind:
        status = status_of(video, kind, tasks)
        if status is not None:
            setattr(video, kind.status_field, status)


def status_of(
    video: Video, kind: TranscodeKind, tasks: Sequence[TranscodeTask]
) -> TranscodeStatus | None:
    """What the latest job of ours says, else the automatic one; None where neither does."""
    if not video._state.adding:
        ours = jobs_of(video).of_kind(kind).filter(source_version=video.source_version)
        latest = ours.exclude(state=TranscodeJob.State.REFUSED).order_by("-id").first()
        if latest is not None:
            return SHOWN[TranscodeJob.State(latest.state)]
    group = template_group_id(kind)
    if not group or video.template_group_id != group:
        return None
    for task in tasks:
        if task.trigger == Trigger.AUTO and task.template_group_id == group:
            return SHOWN[OUTCOMES.get(task.status, TranscodeJob.State.SUBMITTED)]
    if video.status == VodStatus.BLOCKED and video.transcode_status_of(kind):
        return None  # a block may come while it is transcoded, and hides how that ends
    return AUTOMATIC.get(video.status)


def jobs_of(video: Video) -> TranscodeJobQuerySet:
    return TranscodeJob.objects.filter(video=video)


def update_job(job: TranscodeJob, task: TranscodeTask, *, at: datetime) -> bool:
    """Write how far a job of ours has come; a job that has ended stays as it ended."""
    if job.state not in TranscodeJob.RUNNING:
        return False
    before = (job.state, job.progress, job.job_ids)
    job.state = OUTCOMES.get(task.status, TranscodeJob.State.SUBMITTED)
    job.progress = progress_of(task)
    job.job_ids = [item.job_id for item in task.jobs] or job.job_ids
    if before == (job.state, job.progress, job.job_ids):
        return False
    job.checked_at = at
    if job.state != TranscodeJob.State.SUBMITTED:
        job.finished_at = task.complete_time or at
        job.error_code, job.error_message = error_of(task)
    job.save(
        update_fields=[
            "state", "progress", "job_ids", "checked_at", "finished_at", "error_code",
            "error_message",
        ]
    )  # fmt: skip
    return True


def progress_of(task: TranscodeTask) -> int:
    """Percent of all streams together."""
    if task.status in OUTCOMES:
        return 100
    return sum(job.progress for job in task.jobs) // len(task.jobs) if task.jobs else 0


def error_of(task: TranscodeTask) -> tuple[str, str]:
    """The first failed stream's code and message; a task without jobs failed for its source."""
    failed = next((job for job in task.jobs if job.status == JobStatus.FAILED), None)
    if failed is not None:
        return failed.error_code[:128], failed.error_message
    if task.status == TaskStatus.ALL_FAILED:
        return "TranscodeFail", "VOD could not read the source."
    return "", ""
