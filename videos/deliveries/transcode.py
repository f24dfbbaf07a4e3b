"""submit_transcode: each job reaches VOD once, whatever gets lost on the way."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from django.utils import timezone

from shortvideo.cloud import CloudRejected, vod_gateway
from shortvideo.cloud.types import SubmittedTranscode, Trigger, UserData
from shortvideo.outbox.handlers import Again, Done, Handler, Outcome, Refused
from shortvideo.outbox.models import Delivery, DeliveryState
from videos.models import TranscodeJob, TranscodeJobQuerySet, TranscodeKind, TranscodeStatus, Video

CLOCK_SKEW = timedelta(minutes=1)
NOT_LISTED_YET = Again("VOD has this submission already, and does not list its task yet.")
OTHER_IS_RUNNING = Refused("OtherJobIsRunning", "Another job of this kind is running.")


class SubmitTranscodeHandler(Handler):
    kind = "submit_transcode"

    def deliver(self, batch: Sequence[Delivery]) -> Mapping[int, Outcome]:
        [delivery] = batch
        job = TranscodeJob.objects.select_related("video__uploader").get(delivery=delivery)
        if others_of(job).running().exists():  # this one was refused, and is being retried
            return {delivery.pk: OTHER_IS_RUNNING}
        submitted = submit(job, delivery)
        if submitted is None:
            return {delivery.pk: NOT_LISTED_YET}
        return {
            delivery.pk: Done({"task_id": submitted.task_id, "job_ids": list(submitted.job_ids)})
        }

    def settle(self, delivery: Delivery, outcome: Outcome) -> None:
        job = TranscodeJob.objects.select_related("video").get(delivery=delivery)
        if delivery.state == DeliveryState.DONE:
            accept(job, delivery)
        elif delivery.is_refused and job.state != TranscodeJob.State.REFUSED:
            refuse(job, delivery)


def others_of(job: TranscodeJob) -> TranscodeJobQuerySet:
    same = TranscodeJob.objects.of_kind(TranscodeKind(job.kind)).filter(video=job.video)
    return same.exclude(pk=job.pk)


def submit(job: TranscodeJob, delivery: Delivery) -> SubmittedTranscode | None:
    """Submit a job under its session id.

    VOD refuses a session id that it knows: then an earlier attempt was accepted, and its task is
    there. As the code of that refusal is not documented, any refusal makes us look for the task.

    Returns None where VOD says that it has the session, and does not list the task yet. Raises
    CloudUnavailable, CloudRejected.
    """
    uploader = job.video.uploader
    try:
        return vod_gateway().submit_transcode(
            job.video.vod_id,
            job.template_group_id,
            session_id=job.session_id,
            user_data=UserData({"userId": uploader.user_id}) if uploader else None,
        )
    except CloudRejected as error:
        accepted = accepted_before(job, delivery) if delivery.may_have_been_sent else None
        if accepted is None and not error.is_duplicate_session:
            raise
        return accepted


def accepted_before(job: TranscodeJob, delivery: Delivery) -> SubmittedTranscode | None:
    """The manual task of the job's group that was made since its first attempt."""
    gateway = vod_gateway()
    since = (delivery.first_attempt_at or delivery.created_at) - CLOCK_SKEW
    taken = set(others_of(job).exclude(task_id="").values_list("task_id", flat=True))
    for task in gateway.transcode_tasks(job.video.vod_id, since=since):
        is_ours = task.trigger == Trigger.MANUAL and task.task_id not in taken
        if is_ours and task.template_group_id == job.template_group_id:
            jobs = gateway.transcode_task(task.task_id).jobs
            return SubmittedTranscode(task.task_id, tuple(item.job_id for item in jobs))
    return None


def accept(job: TranscodeJob, delivery: Delivery) -> None:
    job.state = TranscodeJob.State.SUBMITTED
    job.task_id, job.job_ids = delivery.result["task_id"], delivery.result["job_ids"]
    job.error_code = job.error_message = ""
    job.finished_at = None
    job.save(
        update_fields=["state", "task_id", "job_ids", "error_code", "error_message", "finished_at"]
    )
    show(job, TranscodeStatus.ON_TRANSCODE)


def refuse(job: TranscodeJob, delivery: Delivery) -> None:
    """End a job that VOD did not take; the video shows what it showed before."""
    job.state = TranscodeJob.State.REFUSED
    job.error_code, job.error_message = delivery.error_code, delivery.error
    job.finished_at = timezone.now()
    job.save(update_fields=["state", "error_code", "error_message", "finished_at"])
    show(job, TranscodeStatus(job.previous_status))


def show(job: TranscodeJob, status: TranscodeStatus) -> None:
    """Set the video's status for the job's kind, unless it has another source by now."""
    field = TranscodeKind(job.kind).status_field
    video = Video.objects.select_for_update().get(pk=job.video_id)
    if video.source_version == job.source_version and getattr(video, field) != status:
        setattr(video, field, status)
        video.changed_at = timezone.now()
        video.save(update_fields=[field, "changed_at"])
