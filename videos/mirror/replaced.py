"""What ends with a source that another one has replaced."""

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
    """End what is under way about the earlier source of a locked row that is not saved yet."""
    _purge_earlier_media(video)  # first: a cancelled block ends its takedown
    _cancel_decisions(video)
    _end_jobs(video, at=timezone.now())
    tasks = ReviewTask.objects.open().filter(video=video, cause__in=AUTOMATIC_CAUSES)
    tasks.update(closed_at=timezone.now())


def _end_jobs(video: Video, *, at: datetime) -> None:
    """Our jobs ended with their source. One that is just being submitted is polled to its end."""
    # A cancelled delivery ends its job by what the database says of the source.
    Video.objects.filter(pk=video.pk).update(source_version=video.source_version)
    ours = TranscodeJob.objects.filter(video=video)
    for job in ours.needing_attention():
        close(job)
    for job in ours.running().select_related("delivery"):
        is_unsent = job.state == TranscodeJob.State.WAITING
        if is_unsent and not (job.delivery is not None and cancel_if_unsent(job.delivery)):
            continue
        end_job_with_source(job, at=at)


def _cancel_decisions(video: Video) -> None:
    """Decisions that no worker has touched go nowhere; of the others, the handler looks again."""
    for delivery in Delivery.objects.open().filter(kind=AUDIT_KIND).for_subject(video.vod_id):
        cancel_if_unsent(delivery)


def _purge_earlier_media(video: Video) -> None:
    """Purge now what was issued for the earlier source: from here on no row names it.

    Where a block of it is not yet seen to, copies are kept first. Nothing is left to verify under
    this id.
    """
    earlier = Video.objects.get(pk=video.pk)  # with the paths that the row has already forgotten
    is_unfinished = takedown.abandon(video, "Another source was uploaded under this id.")
    purge_media(earlier, after=takedown.archive_evidence(earlier) if is_unfinished else None)
