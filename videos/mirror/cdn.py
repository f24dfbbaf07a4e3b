"""The CDN -> rows: progress of prefetches and purges, and what is left of the quotas."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from django.utils import timezone

from shortvideo.cloud import CloudRejected, CloudUnavailable, cdn_gateway
from shortvideo.cloud.types import CdnQuota as QuotaFacts
from shortvideo.cloud.types import CdnTaskFacts, CdnTaskStatus
from videos.models import CdnQuota, CdnTask

REMEMBERED: Final = timedelta(days=3)  # the CDN forgets a task after this time
ENDED: Final = (CdnTaskStatus.COMPLETE, CdnTaskStatus.FAILED)


class CdnTaskAnswers:
    """The CDN's answers about its tasks; it is asked about each task once."""

    def __init__(self) -> None:
        self._answers: dict[str, tuple[CdnTaskFacts, ...] | CloudRejected] = {}

    @property
    def count(self) -> int:
        return len(self._answers)

    def of(self, task_id: str) -> tuple[CdnTaskFacts, ...]:
        """Raises CloudRejected, CloudUnavailable."""
        if task_id not in self._answers:
            try:
                self._answers[task_id] = tuple(cdn_gateway().tasks(task_id))
            except CloudRejected as error:
                self._answers[task_id] = error
        answer = self._answers[task_id]
        if isinstance(answer, CloudRejected):
            raise answer
        return answer


def check_cdn_task(task: CdnTask, answers: CdnTaskAnswers) -> None:
    """Write the progress of one task, or why the CDN does not tell it.

    Raises CloudUnavailable; the task counts as checked then too.
    """
    task.checked_at, task.error_message = timezone.now(), task.left_out_note
    try:
        _update_progress(task, [item for id_ in task.task_ids for item in answers.of(id_)])
    except CloudRejected as error:
        task.error_message = str(error)
        _update_progress(task, [])
    except CloudUnavailable as error:
        task.error_message = str(error)
        raise
    finally:
        task.save(update_fields=["progress", "checked_at", *CdnTask.END])


def _update_progress(task: CdnTask, answers: Iterable[CdnTaskFacts]) -> None:
    """Set progress and state by the CDN's answers about the task's URLs.

    A task with URLs that the CDN has forgotten fails.
    """
    urls = task.sent_urls
    items = [item for item in answers if item.path in urls]
    ended = {item.path: item for item in items if item.status in ENDED}
    if items:
        task.progress = sum(_progress_of(item) for item in items) // max(len(items), len(urls))
    if urls and len(ended) == len(urls) and all(item.status in ENDED for item in items):
        failed = [item for item in ended.values() if item.status == CdnTaskStatus.FAILED]
        state = CdnTask.State.FAIL if failed or task.refused_urls else CdnTask.State.SUCCESS
        task.finish(state, f"{task.left_out_note} {_failure_of(failed, len(urls))}".strip())
    elif timezone.now() - task.submitted_at > REMEMBERED:
        silence = f"Of {len(urls) - len(ended)} URLs the CDN no longer tells what became of them."
        task.finish(CdnTask.State.FAIL, task.error_message or silence)


def _progress_of(item: CdnTaskFacts) -> int:
    return 100 if item.status == CdnTaskStatus.COMPLETE else item.progress


def _failure_of(failed: list[CdnTaskFacts], count: int) -> str:
    if not failed:
        return ""
    return f"{len(failed)} of {count} URLs failed: {failed[0].description or failed[0].path}"


def read_quota() -> QuotaFacts:
    """Ask the CDN what is left of today's quotas, and store the answer. Raises CloudError."""
    quota = cdn_gateway().quota()
    CdnQuota.objects.update_or_create(
        pk=CdnQuota.ONLY,
        defaults={
            "prefetch_limit": quota.prefetch_quota,
            "prefetch_left": quota.prefetch_remaining,
            "purge_limit": quota.purge_quota,
            "purge_left": quota.purge_remaining,
            "read_at": timezone.now(),
        },
    )
    return quota
