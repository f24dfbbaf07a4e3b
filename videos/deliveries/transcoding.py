"""submit_transcode: each job reaches VOD once, even if calls or answers are lost."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from django.utils import timezone

from shortvideo.cloud import CloudRejected, vod_gateway
from shortvideo.cloud.types import SubmittedTranscode, Trigger, UserData
from shortvideo.outbox.handlers import Again, Done, Outcome, Refused, Superseded
from shortvideo.outbox.models import Delivery, DeliveryState
from videos.deliveries.video import VideoHandler
from videos.models import TranscodeJob, TranscodeJobQuerySet, TranscodeKind, TranscodeStatus
from videos.services import announcements
from videos.services.transcoding import end_job, end_job_with_source, job_shown_on_video

CLOCK_SKEW = timedelta(minutes=1)
SESSION_LIFE = timedelta(days=6)  # VOD refuses a session id for 7 days: a day's margin
# A fault: it may be listed at a retry, but after OUTBOX_MAX_ATTEMPTS an operator must look.
NOT_LISTED_YET = Again(
    "VOD has this submission already, and does not list its task yet.", is_fault=True
)
OTHER_IS_RUNNING = Refused("OtherJobIsRunning", "Another job of this kind is running.")


class SubmitTranscodeHandler(VideoHandler):
    kind = "submit_transcode"

    def deliver(self, batch: Sequence[Delivery]) -> Mapping[int, Outcome]:
        [delivery] = batch
        job = TranscodeJob.objects.select_related("video__uploader").get(delivery=delivery)
        if _others_of(job).running().exists():  # this refused job is being retried
            return {delivery.pk: OTHER_IS_RUNNING}
        if reason := _obsolete_reason(job):
            submitted = _accepted_before(job) if delivery.may_have_been_sent else None
            if submitted is None:
                return {delivery.pk: Superseded(reason)}
        else:
            submitted = _submit(job)
        if submitted is None:
            return {delivery.pk: NOT_LISTED_YET}
        return {
            delivery.pk: Done({"task_id": submitted.task_id, "job_ids": list(submitted.job_ids)})
        }

    def settle(self, delivery: Delivery, outcome: Outcome) -> None:
        self.lock_subject(delivery.subject)  # before the job, like all who write both
        job = TranscodeJob.objects.select_related("video").get(delivery=delivery)
        if delivery.state == DeliveryState.DONE:
            _accept(job, delivery)
        elif delivery.is_refused and job.state != TranscodeJob.State.REFUSED:
            _refuse(job, delivery)
        elif delivery.state == DeliveryState.GIVEN_UP and job.state == TranscodeJob.State.WAITING:
            _lose(job, delivery)
        elif delivery.state == DeliveryState.SUPERSEDED:
            _withdraw(job)


def _obsolete_reason(job: TranscodeJob) -> str:
    """Why a job is not to be submitted any more, in one sentence; "" if it is."""
    if job.source_version != job.video.source_version:
        return "Not submitted: another source was uploaded under this id."
    if job.video.deleted_at is not None:
        return "Not submitted: the video was deleted."
    return ""


def _others_of(job: TranscodeJob) -> TranscodeJobQuerySet:
    of_kind = TranscodeJob.objects.of_kind(TranscodeKind(job.kind))
    return of_kind.filter(video=job.video).exclude(pk=job.pk)


def _submit(job: TranscodeJob) -> SubmittedTranscode | None:
    """Submit a job with its session id, or find the task of an earlier submission.

    VOD refuses a session id that it knows: an earlier attempt was accepted and has a task. The
    code of that refusal is not documented, so we look for the task after any refusal, even at the
    first attempt: a restored backup does not know of later attempts. VOD forgets sessions, so we
    look for the task of an old job first.

    Returns None if VOD knows the session and does not list the task yet. Raises CloudUnavailable,
    CloudRejected.
    """
    uploader = job.video.uploader
    if _is_session_old(job) and (accepted := _accepted_before(job)):
        return accepted
    try:
        return vod_gateway().submit_transcode(
            job.video.vod_id,
            job.template_group_id,
            session_id=job.session_id,
            user_data=UserData({"userId": uploader.user_id}) if uploader else None,
        )
    except CloudRejected as error:
        accepted = _accepted_before(job)
        if accepted is None and not error.is_duplicate_session:
            raise
        return accepted


def _is_session_old(job: TranscodeJob) -> bool:
    return timezone.now() - job.created_at > SESSION_LIFE


def _accepted_before(job: TranscodeJob) -> SubmittedTranscode | None:
    """The task of an earlier submission; None also if VOD does not have the video any more."""
    try:
        return _find_task(job)
    except CloudRejected as error:
        if not error.is_not_found:
            raise
        return None


def _find_task(job: TranscodeJob) -> SubmittedTranscode | None:
    """The manual task of the job's template group that was made since the job was created."""
    gateway = vod_gateway()
    since = job.created_at - CLOCK_SKEW
    taken = set(_others_of(job).exclude(task_id="").values_list("task_id", flat=True))
    for task in gateway.transcode_tasks(job.video.vod_id, since=since):
        is_ours = task.trigger == Trigger.MANUAL and task.task_id not in taken
        if is_ours and task.template_group_id == job.template_group_id:
            jobs = gateway.transcode_task(task.task_id).jobs
            return SubmittedTranscode(task.task_id, tuple(item.job_id for item in jobs))
    return None


def _accept(job: TranscodeJob, delivery: Delivery) -> None:
    """Write the task of a job that VOD took. It is stuck if another job began in the meantime.

    Then both are followed to their ends, and the video shows the other job's status.
    """
    job.task_id, job.job_ids = delivery.result["task_id"], delivery.result["job_ids"]
    is_other_running = _others_of(job).running().exists()
    if is_other_running:
        job.state, job.attention_at = TranscodeJob.State.STUCK, timezone.now()
        job.error_code, job.error_message = OTHER_IS_RUNNING.code, OTHER_IS_RUNNING.message
    else:
        job.state = TranscodeJob.State.SUBMITTED
        job.error_code = job.error_message = ""
        job.news_at, job.finished_at, job.attention_at = timezone.now(), None, None
    job.save(update_fields=["task_id", "job_ids", "news_at", *TranscodeJob.END])
    if not is_other_running:
        _show(job, TranscodeStatus.ON_TRANSCODE)


def _refuse(job: TranscodeJob, delivery: Delivery) -> None:
    """End a job that VOD refused. The video gets its earlier status back."""
    job.state = TranscodeJob.State.REFUSED
    job.error_code, job.error_message = delivery.error_code, delivery.error
    job.finished_at = job.attention_at = timezone.now()
    job.save(update_fields=TranscodeJob.END)
    _show(job, TranscodeStatus(job.previous_status))
    announcements.emit_unsubmitted_job(job, announcements.REFUSED)


def _lose(job: TranscodeJob, delivery: Delivery) -> None:
    """Mark a job stuck whose submission was given up: an operator must look.

    VOD may have it, so a retry sends it with the same session.
    """
    job.state = TranscodeJob.State.STUCK
    job.error_code, job.error_message = delivery.error_code, delivery.error
    job.attention_at = timezone.now()
    job.save(update_fields=TranscodeJob.END)
    _show(job, TranscodeStatus.FAIL)
    announcements.emit_unsubmitted_job(job, TranscodeStatus.FAIL)


def _withdraw(job: TranscodeJob) -> None:
    """End a waiting job whose delivery was superseded; a failed one needs no attention any more.

    The video has another source, was deleted, or an operator dismissed the delivery.
    """
    if job.state != TranscodeJob.State.WAITING:
        job.attention_at = None
        job.save(update_fields=["attention_at"])
    elif job.source_version != job.video.source_version:
        end_job_with_source(job, at=timezone.now())
    else:
        message = "The video was deleted before the job was submitted."
        end_job(job, "VideoDeleted", message, at=timezone.now())
        _show(job, TranscodeStatus.FAIL)
        if job.video.deleted_at is None:  # VOD has refused the deletion since
            announcements.emit_unsubmitted_job(job, TranscodeStatus.FAIL)


def _show(job: TranscodeJob, status: TranscodeStatus) -> None:
    """Set the video's status for the job's kind, unless it has another source or a newer job."""
    kind, video = TranscodeKind(job.kind), job.video
    shown = job_shown_on_video(video, kind)
    if video.source_version != job.source_version or (shown is not None and shown.pk > job.pk):
        return
    if video.transcode_status_of(kind) != status:
        setattr(video, kind.status_field, status)
        video.changed_at = timezone.now()
        video.save(update_fields=[kind.status_field, "changed_at"])
