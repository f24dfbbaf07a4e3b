"""Our transcoding jobs: one row per submission, sent by the worker."""

from datetime import datetime
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import journal
from accounts.models import Operator
from shortvideo.cloud.types import VodStatus
from shortvideo.errors import ErrorCode, InvalidState
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
TRANSCODABLE: Final = (VodStatus.UPLOAD_SUCC, VodStatus.NORMAL, VodStatus.CHECKING)
DAMAGED: Final = gettext_lazy("This upload is damaged and cannot be transcoded.")
REFUSALS: Final = {
    "": gettext_lazy("The upload is not complete yet."),
    VodStatus.UPLOADING: gettext_lazy("The upload is not complete yet."),
    VodStatus.UPLOAD_FAIL: DAMAGED,
    VodStatus.TRANSCODE_FAIL: DAMAGED,
}
RETRIABLE: Final = (
    TranscodeJob.State.FAIL,
    TranscodeJob.State.REFUSED,
    TranscodeJob.State.STUCK,
)


@transaction.atomic
def submit_transcode(
    video: Video, *, kind: TranscodeKind, operator: Operator | None = None, request_id: str = ""
) -> TranscodeJob:
    """Add a job of the kind's template group, which the worker submits.

    Raises InvalidState if the video is blocked, its upload is not complete, a job of this kind is
    running, or the template group is not configured; Video.DoesNotExist if it was deleted.
    """
    video = Video.objects.visible().select_for_update().get(pk=video.pk)
    check_submittable(video, kind)
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
    """Submit a failed, refused or stuck job again. Returns the job that does it.

    That is a new row, whose `retry_of` is this job. If VOD may have received this job's
    submission, it is this job again: only its own session keeps VOD from taking it twice.

    Raises InvalidState if the job is in another state or not the newest, if the video was deleted
    or has another source, and where `submit_transcode` does.
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
    """Submit a stuck job again, once. None if an operator must look at it.

    The caller holds the locks of both and saves the video.
    """
    kind = TranscodeKind(job.kind)
    if job.retry_of_id is not None or _is_job_running(video, kind):
        return None
    try:
        _check_transcodable(video, kind)
    except InvalidState:
        return None
    return _create_job(video, kind, request_id=job.request_id, retry_of=job)


@transaction.atomic
def end_jobs_of_deleted_video(video: Video) -> None:
    """End the jobs of a video that VOD has deleted: VOD does not report their ends any more."""
    video = Video.objects.select_for_update().get(pk=video.pk)
    jobs = video.transcode_jobs.select_for_update()
    for job in jobs.needing_attention():
        close(job)
    jobs.followed().exclude(state=TranscodeJob.State.WAITING).update(
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
    """Write a job and its delivery. Earlier jobs of the kind need no attention any more."""
    for earlier in video.transcode_jobs.needing_attention().of_kind(kind):
        close(earlier)
    return TranscodeJob.objects.create(
        video=video,
        source_version=video.source_version,
        kind=kind,
        template_group_id=template_group_id(kind),
        previous_status=_status_if_refused(video, kind, retry_of),
        requested_by=operator,
        request_id=request_id,
        retry_of=retry_of,
        delivery=outbox.send("submit_transcode", subject=video.vod_id),
    )


def _status_if_refused(
    video: Video, kind: TranscodeKind, retry_of: TranscodeJob | None
) -> TranscodeStatus:
    """The status that the video gets back if VOD refuses the job."""
    if retry_of is not None and retry_of.state == TranscodeJob.State.STUCK:
        return TranscodeStatus.FAIL
    return video.transcode_status_of(kind)


def _resume_lost_submission(video: Video, kind: TranscodeKind) -> TranscodeJob | None:
    """Send a submission again that VOD may have received, with its session; None without one."""
    lost = video.transcode_jobs.of_unknown_submission().of_kind(kind)
    job = lost.filter(source_version=video.source_version).order_by("-id").first()
    if job is None or job.delivery is None:
        return None
    if job.delivery.state == DeliveryState.GIVEN_UP:
        outbox.retry(job.delivery)
    elif job.delivery.state == DeliveryState.SUPERSEDED:  # an operator has dismissed it
        job.delivery = outbox.repeat(job.delivery)
    elif not job.delivery.is_open:  # an open delivery was retried by itself
        return None
    job.state, job.attention_at = TranscodeJob.State.WAITING, None
    job.error_code = job.error_message = ""
    job.save(update_fields=["delivery", *TranscodeJob.END])
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


def check_submittable(video: Video, kind: TranscodeKind) -> None:
    """Raise InvalidState if no job of this kind can be submitted now."""
    _check_transcodable(video, kind)
    is_running = video.transcode_status_of(kind) == TranscodeStatus.ON_TRANSCODE
    if is_running or _is_job_running(video, kind):
        text = _("A %(kind)s transcoding job of this video is running.")
        raise InvalidState(text % {"kind": kind.label}, ErrorCode.JOB_RUNNING)


def _check_transcodable(video: Video, kind: TranscodeKind) -> None:
    if not template_group_id(kind):
        text = _("No template group for %(kind)s transcoding is configured.")
        raise InvalidState(text % {"kind": kind.label}, ErrorCode.NO_TEMPLATE_GROUP)
    if video.censor_status == CensorStatus.FAIL:
        raise InvalidState(_("A blocked video cannot be transcoded."), ErrorCode.VIDEO_BLOCKED)
    if video.status not in TRANSCODABLE:
        text = _("VOD does not transcode a video in the status %(status)s.")
        raise InvalidState(
            REFUSALS.get(video.status, text % {"status": video.status}),
            ErrorCode.VIDEO_NOT_TRANSCODABLE,
        )


def check_retryable(job: TranscodeJob, video: Video) -> None:
    """Raise InvalidState if a job cannot be submitted again."""
    if job.state not in RETRIABLE:
        text = _("Only a job that failed, was refused or is stuck can be retried. This one is: %s.")
        raise InvalidState(text % job.get_state_display())
    if video.deleted_at is not None:
        raise InvalidState(_("The video was deleted."))
    if job.source_version != video.source_version:
        raise InvalidState(_("The video has another source since: submit a new job."))
    kind = TranscodeKind(job.kind)
    check_submittable(video, kind)
    if video.transcode_jobs.of_kind(kind).filter(pk__gt=job.pk).exists():
        raise InvalidState(_("There is a newer job of this kind: retry that job."))


def _is_job_running(video: Video, kind: TranscodeKind) -> bool:
    return video.transcode_jobs.running().of_kind(kind).exists()


def end_job(
    job: TranscodeJob,
    code: str,
    message: str,
    *,
    at: datetime,
    attention_at: datetime | None = None,
) -> None:
    """End a job of ours as failed. It needs attention since `attention_at`, if that is set."""
    job.state = TranscodeJob.State.FAIL
    job.error_code, job.error_message = code, message
    job.checked_at = job.finished_at = at
    job.attention_at = attention_at
    job.save(update_fields=TranscodeJob.END)


def end_job_with_source(job: TranscodeJob, *, at: datetime) -> None:
    """End a job of a source that another one has replaced. It needs no attention."""
    message = "Another source was uploaded under this id."
    end_job(job, "SourceReplaced", message, at=at)


def job_shown_on_video(video: Video, kind: TranscodeKind) -> TranscodeJob | None:
    """The job of ours that the video's status follows: the running one, else the latest.

    The state of a stuck job is unknown, so an earlier job that has succeeded since goes before it.
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
