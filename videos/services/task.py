"""Opening review tasks: each reason for a person to look is a row of the queue."""

from collections.abc import Iterable
from datetime import datetime

from videos.models import ReviewTask, TaskCause, Video


def open_task(video: Video, cause: TaskCause) -> None:
    """Open a task, unless a task with this cause is open."""
    task = ReviewTask(video=video, cause=cause, risk=_highest_score(video))
    ReviewTask.objects.bulk_create([task], ignore_conflicts=True)


def open_first_tasks(videos: Iterable[Video]) -> None:
    """Open the tasks of videos that were just inserted: no machine has reviewed them."""
    ReviewTask.objects.bulk_create(ReviewTask(video=video, cause=TaskCause.NEW) for video in videos)


def open_recheck(video: Video, *, since: datetime) -> None:
    """Open a re-check, unless one was opened since then. The status stays."""
    opened = ReviewTask.objects.filter(video=video, cause=TaskCause.RECHECK, opened_at__gte=since)
    if not opened.exists():
        open_task(video, TaskCause.RECHECK)


def _highest_score(video: Video) -> int:
    """The highest score of the machine's hits in the present source, 0 to 100; 0 without a hit."""
    reviews = video.machine_reviews.filter(source_version=video.source_version)
    hits = reviews.values_list("hits", flat=True).first() or []
    return min(100, round(max((float(hit.get("score") or 0) for hit in hits), default=0)))
