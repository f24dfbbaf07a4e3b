"""What ends with a source that another one has replaced."""

from datetime import datetime

from django.utils import timezone

from shortvideo.outbox.models import Delivery
from videos.mirror import jobs
from videos.mirror.audits import KIND, take_back
from videos.mirror.censor import AUTOMATIC_CAUSES
from videos.models import ReviewTask, TranscodeJob, Video
from videos.services import takedown
from videos.services.cdn import purge_media
from videos.services.transcoding import close


def wind_up(video: Video) -> None:
    """End what is under way about the earlier source of a locked row that is not saved yet."""
    take_back_decisions(video)
    end_jobs(video, at=timezone.now())
    tasks = ReviewTask.objects.open().filter(video=video, cause__in=AUTOMATIC_CAUSES)
    tasks.update(closed_at=timezone.now())


def end_jobs(video: Video, *, at: datetime) -> None:
    """Our jobs ended with their source. One that is just being submitted is polled to its end."""
    ours = TranscodeJob.objects.filter(video=video)
    for job in ours.needing_attention():
        close(job)
    for job in ours.running().select_related("delivery"):
        is_unsent = job.state == TranscodeJob.State.WAITING
        if is_unsent and not (job.delivery is not None and take_back(job.delivery)):
            continue
        jobs.end_with_source(job, at=at)


def take_back_decisions(video: Video) -> None:
    """Decisions that no worker has touched go nowhere; of the others, the handler looks again.

    What is left to do about a block of the earlier source is done all the same: its copies are
    kept and its media purged. Nothing is left to verify under this id.
    """
    unsent = Delivery.objects.open().filter(kind=KIND).for_subject(video.vod_id)
    earlier = Video.objects.get(pk=video.pk)  # with the paths that the row has already forgotten
    if takedown.abandon(video, "Another source was uploaded under this id."):
        purge_media(earlier, after=takedown.archive(earlier))
    for delivery in unsent:
        take_back(delivery)
