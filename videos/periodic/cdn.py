"""Periodic tasks: progress of prefetches and purges, and the CDN's quotas."""

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db.models import F

from shortvideo.outbox.periodic import periodic
from videos.mirror.cdn import CdnTaskAnswers, check_cdn_task, read_quota
from videos.models import CdnTask

ASKED_AT_ONCE: Final = 100  # calls; one task of the CDN may carry many of ours
TASKS_AT_ONCE: Final = 1_000  # of ours


@periodic("videos.cdn", every=timedelta(seconds=15))
def check_cdn_tasks() -> None:
    """Ask for the progress of prefetches and purges, longest unasked first."""
    running = CdnTask.objects.filter(state=CdnTask.State.SUBMITTED)
    longest_ago = running.order_by(F("checked_at").asc(nulls_first=True), "id")
    answers = CdnTaskAnswers()
    for task in longest_ago.select_related("delivery")[:TASKS_AT_ONCE]:
        if answers.count >= ASKED_AT_ONCE:
            break
        check_cdn_task(task, answers)


@periodic("videos.cdn_quota", every=timedelta(minutes=5))
def check_cdn_quota() -> None:
    """Read what is left of today's quotas, for the pages that show it."""
    if settings.CDN_DOMAINS:
        read_quota()
