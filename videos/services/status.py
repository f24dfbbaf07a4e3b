"""From VOD's facts to `censorStatus`, where no person's decision stands."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings

from shortvideo.cloud.types import VodStatus
from videos.models import CensorStatus, MachineReview, ReviewTask, Source, TaskCause, Video
from videos.services import announcements, takedown
from videos.services.machine_review import suggestion_of
from videos.services.source import has_source

Suggestion = MachineReview.Suggestion
BY_MACHINE: Final = {
    Suggestion.PASS: CensorStatus.SUCCESS,
    Suggestion.REVIEW: CensorStatus.CHECK,
    Suggestion.ERROR: CensorStatus.CHECK,
    Suggestion.BLOCK: CensorStatus.FAIL,
}
CAUSES: Final = {
    Suggestion.REVIEW: TaskCause.MACHINE_VERDICT,
    Suggestion.ERROR: TaskCause.MACHINE_FAILED,
}
# What a status that follows from facts opens and closes; what people asked for stays open.
AUTOMATIC_CAUSES: Final = (TaskCause.NEW, TaskCause.MACHINE_VERDICT, TaskCause.MACHINE_FAILED)


@dataclass(frozen=True, slots=True)
class Proposal:
    """The status that follows from the facts, and why a person must look if one must."""

    status: CensorStatus
    cause: TaskCause | None = None


def proposal(video: Video, *, is_old_stock: bool) -> Proposal:
    """What the facts on the row mean; `is_old_stock` came with a first import."""
    is_first_source = video.source_version == 1
    if video.status == VodStatus.BLOCKED and is_first_source:
        return Proposal(CensorStatus.FAIL)
    suggestion = suggestion_of(video)
    if suggestion is not None:
        return Proposal(BY_MACHINE[Suggestion(suggestion)], CAUSES.get(Suggestion(suggestion)))
    # VOD's word about an earlier source says nothing about a later one.
    if video.status == VodStatus.NORMAL and is_first_source:
        return of_normal(video, is_old_stock=is_old_stock)
    return of_pending(video)


def of_normal(video: Video, *, is_old_stock: bool) -> Proposal:
    is_queued = settings.REVIEW_NORMAL == "queue" and not is_old_stock
    if is_queued and video.censor_status != CensorStatus.SUCCESS:
        return Proposal(CensorStatus.CHECK, TaskCause.NEW)
    return Proposal(CensorStatus.SUCCESS)


def of_pending(video: Video) -> Proposal:
    """Once it waits for a person it goes on waiting, until a decision or a new source."""
    is_unreviewed = settings.MACHINE_REVIEW == "off" and has_source(video.status)
    if is_unreviewed or video.censor_status == CensorStatus.CHECK:
        return Proposal(CensorStatus.CHECK, TaskCause.NEW)
    return Proposal(CensorStatus.ON_CENSOR)


def settle_unsaved(video: Video, *, at: datetime, is_old_stock: bool) -> None:
    """Set the status of a row that is about to be inserted: nobody can have decided about it."""
    video.set_censor_status(proposal(video, is_old_stock=is_old_stock).status, at=at)


def settle(video: Video, *, at: datetime, is_old_stock: bool = False) -> bool:
    """Bring the status of a locked row in line with the facts on it; returns whether it changed.

    Changes the row in memory; saving it is the caller's.
    """
    proposed = proposal(video, is_old_stock=is_old_stock)
    if proposed.status == video.censor_status or is_decided(video):
        return False
    was_blocked = video.is_blocked
    video.set_censor_status(proposed.status, at=at)
    follow_up(video, proposed, at=at)
    if video.is_blocked and not is_old_stock:
        takedown.replace_earlier(video)
        takedown.begin_block(video, None)
    elif was_blocked:
        takedown.reverse(video)
    return True


def is_decided(video: Video) -> bool:
    """Whether a person decided about this source, or a pass of theirs came back to review."""
    decisions = video.decisions.in_force().filter(source_version=video.source_version)
    return decisions.filter(source__in=(*Source.human(), Source.SYSTEM)).exists()


def follow_up(video: Video, proposed: Proposal, *, at: datetime) -> None:
    """Open the task that the new status asks for, and close those that it answers."""
    tasks = ReviewTask.objects.filter(
        video=video, closed_at=None, cause__in=AUTOMATIC_CAUSES
    ).exclude(cause=proposed.cause)
    tasks.update(closed_at=at)
    if proposed.cause is not None:
        open_task(video, proposed.cause)


def open_task(video: Video, cause: TaskCause) -> None:
    """Open a task, unless one with this cause is open."""
    ReviewTask.objects.bulk_create([ReviewTask(video=video, cause=cause)], ignore_conflicts=True)


def ask_to_look_again(video: Video, *, since: datetime) -> None:
    """Open a task and leave the status alone, unless a person was asked to look since then."""
    asked = ReviewTask.objects.filter(video=video, cause=TaskCause.RECHECK, opened_at__gte=since)
    if not asked.exists():
        open_task(video, TaskCause.RECHECK)


def send_to_review(video: Video, cause: TaskCause, *, at: datetime) -> list[str]:
    """Put an undecided video into the queue, in memory; returns the fields to save."""
    before = CensorStatus(video.censor_status)
    names = video.set_censor_status(CensorStatus.CHECK, at=at)
    follow_up(video, Proposal(CensorStatus.CHECK, cause), at=at)
    announcements.reviewed(video, before=before, source=Source.SYSTEM)
    return names
