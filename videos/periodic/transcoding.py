"""Periodic tasks: follow our transcoding jobs."""

import logging
from datetime import timedelta
from typing import Final

from django.db.models import Q

from shortvideo.cloud.retry import no_retry
from shortvideo.outbox.periodic import periodic
from videos import sync
from videos.models import TranscodeJob, Video, VideoDeletion
from videos.services.transcoding import end_jobs_of_deleted_video

logger = logging.getLogger(__name__)

POLLED_AT_ONCE: Final = 100


@periodic("videos.transcodes", every=timedelta(seconds=10))
def check_transcodes() -> None:
    problems: list[str] = []
    for tally in sync.check_transcodes(limit=POLLED_AT_ONCE, call=no_retry):
        problems = tally.problems
    for problem in problems:
        logger.warning("The job of a video could not be read", extra={"reason": problem})


@periodic("videos.transcodes.deleted", every=timedelta(minutes=1))
def end_jobs_of_deleted_videos() -> None:
    """End the open jobs of videos that VOD has deleted, and take failed jobs out of the inbox."""
    state = TranscodeJob.State
    unsettled = TranscodeJob.objects.filter(
        Q(state__in=(state.SUBMITTED, state.STUCK)) | Q(attention_at__isnull=False),
        video__deletions__state=VideoDeletion.State.DONE,
        video__deleted_at__isnull=False,
    )
    for video in Video.objects.filter(pk__in=unsettled.values("video")):
        end_jobs_of_deleted_video(video)
