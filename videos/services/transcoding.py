"""Transcoding jobs of ours: one row a submission, sent by the worker."""

from datetime import datetime
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import journal
from accounts.models import Operator
from shortvideo.errors import InvalidState
from shortvideo.outbox import services as outbox
from shortvideo.outbox.models import DeliveryState
from videos.models import (
    CensorStatus,
    TranscodeJob,
    TranscodeJobQuerySet,
    TranscodeKind,
    TranscodeStatus,
    Video,
)
from videos.services.attention import close

# VOD accepts a job in these states only.
TRANSCODABLE: Final = ("UploadSucc", "Normal", "Checking")
RETRIABLE: Final = (
    TranscodeJob.State.FAIL,
    TranscodeJob.State.REFUSED,
    TranscodeJob.State.STUCK,
)


@transaction.atomic
def submit_transcode(
    video: Video, *, kind: TranscodeKind, operator: Operator | None = None, request_id: str = ""
) -> TranscodeJob:
    """Record a job of the kind's template group; the worker submits it.

    Raises InvalidState for a blocked video, one whose upload is not complete, one whose job of this
    kind is running, and where the template group is not configured.
    """
    video = Video.objects.visible().select_for_update().get(pk=video.pk)
    check_submittable(video, kind, template_group_id(kind))
    job = _resume_lost_submission(video, kind) or _create_job(
        video, kind, operator=operator, request_id=request_id
    )
    _show_running(video, kind)
    journal.log_action(operator, video, f"submit {kind} transcoding", request_id=request_id)
    return job


@transaction.atomic
def retry_transcode(
    job: TranscodeJob, *, operator: Operator | None = None, request_id: str = ""
) -> TranscodeJob:
    """Submit once more what failed, was refused or is stuck; returns the job that stands for it.

    That is a new row, which names this one. Where nobody knows whether VOD has the submission, it
    is this one again: only its own session keeps VOD from taking it twice.

    Raises InvalidState for a job in another state or that a newer one has replaced, for a video
    that was deleted, got another source or is blocked, and where submitting is refused.
    """
    video = Video.objects.select_for_update().get(pk=job.video_id)
    job = TranscodeJob.objects.select_for_update().get(pk=job.pk)
    check_retryable(job, video)
    kind = TranscodeKind(job.kind)
    fresh = _resume_lost_submission(video, kind) or _create_job(
        video, kind, operator=operator, request_id=request_id, retry_of=job
    )
    _show_running(video, kind)
    journal.log_action(operator, video, f"retry {kind} transcoding", request_id=request_id)
    return fresh


def retry_automatically(job: TranscodeJob, video: Video) -> TranscodeJob | None:
    """Submit a stuck job once more without anybody's asking; None where an operator must look.

    The caller holds the locks of both and saves the video. What is a retry itself is not retried.
    """
    kind = TranscodeKind(job.kind)
    if job.retry_of_id is not None or _is_job_running(video, kind):
        return None
    try:
        _check_transcodable(video, kind, template_group_id(kind))
    except InvalidState:
        return None
    return _create_job(video, kind, request_id=job.request_id, retry_of=job)


@transaction.atomic
def end_jobs_of_deleted_video(video: Video) -> None:
    """End the jobs of a video that VOD has deleted: it tells nothing of them any more."""
    video = Video.objects.select_for_update().get(pk=video.pk)
    ours = TranscodeJob.objects.filter(video=video).select_for_update()
    for job in ours.needing_attention():
        close(job)
    ours.followed().exclude(state=TranscodeJob.State.WAITING).update(
        state=TranscodeJob.State.FAIL,
        error_code="VideoDeleted",
        error_message="The video was deleted.",
        finished_at=timezone.now(),
    )


def _create_job(
    video: Video,
    kind: TranscodeKind,
    *,
    operator: Operator | None = None,
    request_id: str = "",
    retry_of: TranscodeJob | None = None,
) -> TranscodeJob:
    """Write a job and its delivery; it takes the place of earlier ones that ended badly."""
    for earlier in TranscodeJob.objects.needing_attention().of_kind(kind).filter(video=video):
        close(earlier)
    return TranscodeJob.objects.create(
        video=video,
        source_version=video.source_version,
        kind=kind,
        template_group_id=template_group_id(kind),
        previous_status=_previous_status(video, kind, retry_of),
        requested_by=operator,
        request_id=request_id,
        retry_of=retry_of,
        delivery=outbox.send("submit_transcode", subject=video.vod_id),
    )


def _previous_status(
    video: Video, kind: TranscodeKind, retry_of: TranscodeJob | None
) -> TranscodeStatus:
    """What the video shows again, should VOD refuse the job."""
    if retry_of is not None and retry_of.state == TranscodeJob.State.STUCK:
        return TranscodeStatus.FAIL
    return video.transcode_status_of(kind)


def _resume_lost_submission(video: Video, kind: TranscodeKind) -> TranscodeJob | None:
    """Send a submission that VOD may have under its own session once more; None without one."""
    unknown = TranscodeJob.objects.of_unknown_submission().of_kind(kind)
    job = unknown.filter(video=video, source_version=video.source_version).order_by("-id").first()
    if job is None or job.delivery is None:
        return None
    if job.delivery.state == DeliveryState.GIVEN_UP:
        outbox.retry(job.delivery)
    elif job.delivery.state == DeliveryState.SUPERSEDED:  # somebody has dismissed it
        job.delivery = outbox.repeat(job.delivery)
    elif not job.delivery.is_open:  # an open one was retried among the deliveries
        return None
    job.state, job.attention_at = TranscodeJob.State.WAITING, None
    job.error_code = job.error_message = ""
    job.save(update_fields=["delivery", "state", "attention_at", "error_code", "error_message"])
    return job


def _show_running(video: Video, kind: TranscodeKind) -> None:
    setattr(video, kind.status_field, TranscodeStatus.ON_TRANSCODE)
    video.changed_at = timezone.now()
    video.save(update_fields=[kind.status_field, "changed_at"])


def template_group_id(kind: TranscodeKind) -> str:
    group: str = {
        TranscodeKind.STANDARD: settings.VOD_TRANSCODE_TEMPLATE_GROUP_ID,
        TranscodeKind.NARROWBAND: settings.VOD_NARROWBAND_TEMPLATE_GROUP_ID,
    }[kind]
    return group


def check_submittable(video: Video, kind: TranscodeKind, group: str) -> None:
    """Raise InvalidState where no job of this kind may be submitted now."""
    _check_transcodable(video, kind, group)
    is_running = video.transcode_status_of(kind) == TranscodeStatus.ON_TRANSCODE
    if is_running or _is_job_running(video, kind):
        raise InvalidState(f"A {kind.label} transcoding job of this video is running.")


def _check_transcodable(video: Video, kind: TranscodeKind, group: str) -> None:
    if not group:
        raise InvalidState(f"No template group for {kind.label} transcoding is configured.")
    if video.censor_status == CensorStatus.FAIL:
        raise InvalidState("A blocked video cannot be transcoded.")
    if video.status not in TRANSCODABLE:
        allowed = ", ".join(TRANSCODABLE)
        raise InvalidState(
            f"Its status in VOD is {video.status or 'unknown'}; transcoding needs {allowed}."
        )


def check_retryable(job: TranscodeJob, video: Video) -> None:
    """Raise InvalidState where a job is not to be submitted once more."""
    if job.state not in RETRIABLE:
        raise InvalidState(
            f"Only a job that failed, was refused or is stuck can be retried; this one is "
            f"{job.get_state_display()}."
        )
    if video.deleted_at is not None:
        raise InvalidState("The video was deleted.")
    if job.source_version != video.source_version:
        raise InvalidState("The video has another source since: submit a new job.")
    kind = TranscodeKind(job.kind)
    check_submittable(video, kind, template_group_id(kind))
    newer = TranscodeJob.objects.of_kind(kind).filter(video=video, pk__gt=job.pk)
    if newer.exists():
        raise InvalidState("A newer job of this kind has taken its place.")


def _is_job_running(video: Video, kind: TranscodeKind) -> bool:
    return TranscodeJob.objects.running().of_kind(kind).filter(video=video).exists()


def end_job(
    job: TranscodeJob,
    code: str,
    message: str,
    *,
    at: datetime,
    attention_at: datetime | None = None,
) -> None:
    """Give up following a job of ours: it counts as failed. Without a moment nobody need look."""
    job.state = TranscodeJob.State.FAIL
    job.error_code, job.error_message = code, message
    job.checked_at = job.finished_at = at
    job.attention_at = attention_at
    job.save(
        update_fields=[
            "state", "error_code", "error_message", "checked_at", "finished_at", "attention_at",
        ]
    )  # fmt: skip


def end_job_with_source(job: TranscodeJob, *, at: datetime) -> None:
    """A job of a source that another one has replaced needs nobody's eye."""
    message = "Another source was uploaded under this id."
    end_job(job, "SourceReplaced", message, at=at)


def job_shown_on_video(video: Video, kind: TranscodeKind) -> TranscodeJob | None:
    """The job of ours that the video's status follows.

    The one that runs, else the latest. Of a stuck one nothing is known: an earlier job that has
    succeeded since says more.
    """
    of_source = jobs_of_video(video).of_kind(kind).filter(source_version=video.source_version)
    jobs = list(of_source.exclude(state=TranscodeJob.State.REFUSED).order_by("-id"))
    running = next((job for job in jobs if job.state in TranscodeJob.RUNNING), None)
    if running is not None or not jobs:
        return running
    latest = jobs[0]
    if latest.state != TranscodeJob.State.STUCK:
        return latest
    return next((job for job in jobs if _has_succeeded_since(job, latest.created_at)), latest)


def _has_succeeded_since(job: TranscodeJob, moment: datetime) -> bool:
    is_success = job.state == TranscodeJob.State.SUCCESS
    return is_success and job.finished_at is not None and job.finished_at > moment


def jobs_of_video(video: Video) -> TranscodeJobQuerySet:
    return TranscodeJob.objects.filter(video=video)
