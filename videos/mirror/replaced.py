"""Cancel the work for a source that another upload has replaced."""

from datetime import datetime

from django.utils import timezone

from shortvideo.outbox.models import Delivery
from videos.models import ReviewTask, TranscodeJob, Video
from videos.services import takedown
from videos.services.attention import close
from videos.services.cdn import purge_media
from videos.services.standing import AUDIT_KIND, cancel_if_unsent
from videos.services.status import AUTOMATIC_CAUSES
from videos.services.transcoding import end_job_with_source


def cancel_work_for_replaced_source(video: Video) -> None:
    """Cancel the work for the earlier source of a locked video, which is not saved yet."""
    _purge_earlier_media(video)  # first: cancelling a block also ends its takedown
    _cancel_decisions(video)
    _end_jobs(video, at=timezone.now())
    tasks = ReviewTask.objects.open().filter(video=video, cause__in=AUTOMATIC_CAUSES)
    tasks.update(closed_at=timezone.now())


def _end_jobs(video: Video, *, at: datetime) -> None:
    """End our jobs. A job that is being submitted right now is followed to its end."""
    # Cancelling a delivery ends its job according to the source version in the database.
    Video.objects.filter(pk=video.pk).update(source_version=video.source_version)
    jobs = TranscodeJob.objects.filter(video=video)
    for job in jobs.needing_attention():
        close(job)
    for job in jobs.running().select_related("delivery"):
        is_unsent = job.state == TranscodeJob.State.WAITING
        if is_unsent and not (job.delivery is not None and cancel_if_unsent(job.delivery)):
            continue
        end_job_with_source(job, at=at)


def _cancel_decisions(video: Video) -> None:
    """Cancel unsent decisions. Before a retry, the handler checks that a decision still stands."""
    for delivery in Delivery.objects.open().filter(kind=AUDIT_KIND).for_subject(video.vod_id):
        cancel_if_unsent(delivery)


def _purge_earlier_media(video: Video) -> None:
    """Purge the media of the earlier source now: from here on no row has their paths.

    If a block of the earlier source is unfinished, evidence is archived first. No takedown is left
    to verify for this video.
    """
    earlier = Video.objects.get(pk=video.pk)  # `video` has lost the earlier paths
    is_unfinished = takedown.replace_unfinished(video, "Another source was uploaded under this id.")
    purge_media(earlier, after=takedown.archive_evidence(earlier) if is_unfinished else None)
