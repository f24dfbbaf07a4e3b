"""Following prefetches and purges."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from shortvideo.cloud import CloudRejected, CloudUnavailable, cdn_gateway
from shortvideo.cloud.types import CdnTaskFacts, CdnTaskStatus
from shortvideo.outbox.periodic import periodic
from videos.models import CdnTask
from videos.quota import read_quota

POLLED_AT_ONCE: Final = 100
REMEMBERED: Final = timedelta(days=3)  # by the CDN
ENDED: Final = (CdnTaskStatus.COMPLETE, CdnTaskStatus.FAILED)


@periodic("videos.cdn", every=timedelta(seconds=15))
def check_cdn_tasks() -> None:
    """Ask how prefetches and purges are doing, those first that were not asked for longest."""
    running = CdnTask.objects.filter(state=CdnTask.State.SUBMITTED)
    longest_ago = running.order_by(F("checked_at").asc(nulls_first=True), "id")
    for task in longest_ago.select_related("delivery")[:POLLED_AT_ONCE]:
        check_cdn_task(task)


@periodic("videos.cdn_quota", every=timedelta(minutes=5))
def check_cdn_quota() -> None:
    """Read what is left of the day's quotas, so that pages can show it."""
    if settings.CDN_DOMAINS:
        read_quota()


def check_cdn_task(task: CdnTask) -> None:
    """Write how far one task has come, or why the CDN does not tell.

    Raises CloudUnavailable; the task has then had its turn all the same.
    """
    task.checked_at, task.error_message = timezone.now(), ""
    try:
        note_progress(task, [item for id_ in task.task_ids for item in cdn_gateway().tasks(id_)])
    except CloudRejected as error:
        task.error_message = str(error)
        note_progress(task, [])
    except CloudUnavailable as error:
        task.error_message = str(error)
        raise
    finally:
        task.save(update_fields=["progress", "checked_at", *CdnTask.END])


def note_progress(task: CdnTask, told: Iterable[CdnTaskFacts]) -> None:
    """Take over what the CDN tells of the task's URLs; without a word of them it ends in time."""
    urls = set(task.urls)
    items = [item for item in told if item.path in urls]
    if items:
        task.progress = sum(progress_of(item) for item in items) // len(items)
        failed = [item for item in items if item.status == CdnTaskStatus.FAILED]
        if all(item.status in ENDED for item in items):
            state = CdnTask.State.FAIL if failed else CdnTask.State.SUCCESS
            task.finish(state, failure_of(failed, len(items)))
    elif timezone.now() - task.submitted_at > REMEMBERED:
        silence = task.error_message or "The CDN no longer tells what became of it."
        task.finish(CdnTask.State.FAIL, silence)


def progress_of(item: CdnTaskFacts) -> int:
    return 100 if item.status == CdnTaskStatus.COMPLETE else item.progress


def failure_of(failed: list[CdnTaskFacts], count: int) -> str:
    if not failed:
        return ""
    return f"{len(failed)} of {count} URLs failed: {failed[0].description or failed[0].path}"
