"""From VOD's facts to `censorStatus`, for videos without a person's decision."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings

from shortvideo.cloud.types import VodStatus
from videos.models import CensorStatus, MachineReview, ReviewTask, Source, TaskCause, Video
from videos.services import announcements, takedown
from videos.services.machine_review import machine_suggestion
from videos.services.source import has_source
from videos.services.task import open_task

Suggestion = MachineReview.Suggestion
_BY_MACHINE: Final = {
    Suggestion.PASS: CensorStatus.SUCCESS,
    Suggestion.REVIEW: CensorStatus.CHECK,
    Suggestion.ERROR: CensorStatus.CHECK,
    Suggestion.BLOCK: CensorStatus.FAIL,
}
_CAUSES: Final = {
    Suggestion.REVIEW: TaskCause.MACHINE_VERDICT,
    Suggestion.ERROR: TaskCause.MACHINE_FAILED,
}
# Tasks that a status from facts opens and closes. Tasks that people asked for stay open.
AUTOMATIC_CAUSES: Final = (TaskCause.NEW, TaskCause.MACHINE_VERDICT, TaskCause.MACHINE_FAILED)


@dataclass(frozen=True, slots=True)
class _Proposal:
    """The status that follows from the facts, and the cause of a review task if one is needed."""

    status: CensorStatus
    cause: TaskCause | None = None


def _propose(video: Video, *, is_backlog: bool) -> _Proposal:
    """The status from the facts of the row. `is_backlog`: the video came with a first import."""
    is_first_source = video.source_version == 1
    if video.status == VodStatus.BLOCKED and is_first_source:
        return _Proposal(CensorStatus.FAIL)
    suggestion = machine_suggestion(video)
    if suggestion is not None:
        return _Proposal(_BY_MACHINE[Suggestion(suggestion)], _CAUSES.get(Suggestion(suggestion)))
    # VOD's status is that of the first source.
    if video.status == VodStatus.NORMAL and is_first_source:
        return _propose_for_normal(video, is_backlog=is_backlog)
    return _propose_for_pending(video)


def _propose_for_normal(video: Video, *, is_backlog: bool) -> _Proposal:
    is_queued = settings.REVIEW_NORMAL == "queue" and not is_backlog
    if is_queued and video.censor_status != CensorStatus.SUCCESS:
        return _Proposal(CensorStatus.CHECK, TaskCause.NEW)
    return _Proposal(CensorStatus.SUCCESS)


def _propose_for_pending(video: Video) -> _Proposal:
    """A video in the queue stays there until a decision or a new source."""
    is_unreviewed = settings.MACHINE_REVIEW == "off" and has_source(video.status)
    if is_unreviewed or video.censor_status == CensorStatus.CHECK:
        return _Proposal(CensorStatus.CHECK, TaskCause.NEW)
    return _Proposal(CensorStatus.ON_CENSOR)


def set_initial_status(video: Video, *, at: datetime, is_backlog: bool) -> None:
    """Set the status of a row that is about to be inserted, in memory."""
    video.set_censor_status(_propose(video, is_backlog=is_backlog).status, at=at)


def update_status(video: Video, *, at: datetime, is_backlog: bool = False) -> bool:
    """Set the status of a locked row from its facts, in memory. Returns whether it changed."""
    proposed = _propose(video, is_backlog=is_backlog)
    if proposed.status == video.censor_status or _is_decided(video):
        return False
    was_blocked = video.is_blocked
    video.set_censor_status(proposed.status, at=at)
    _update_tasks(video, proposed, at=at)
    if video.is_blocked and not is_backlog:
        takedown.replace_unfinished(video)
        takedown.begin_block_takedown(video, None)
    elif was_blocked:
        takedown.cancel_block_takedowns(video)
    return True


def _is_decided(video: Video) -> bool:
    """Whether a person decided about this source, or VOD refused a person's approval."""
    decisions = video.decisions.in_force().filter(source_version=video.source_version)
    return decisions.filter(source__in=(*Source.human(), Source.SYSTEM)).exists()


def is_left_waiting(video: Video) -> bool:
    """Whether the video waits for a review although its facts, and no person, decide it."""
    if video.censor_status not in (CensorStatus.CHECK, CensorStatus.ON_CENSOR):
        return False
    proposed = _propose(video, is_backlog=False).status
    return proposed in (CensorStatus.SUCCESS, CensorStatus.FAIL) and not _is_decided(video)


def _update_tasks(video: Video, proposed: _Proposal, *, at: datetime) -> None:
    """Open the task of the new status, and close the other automatic tasks."""
    tasks = ReviewTask.objects.filter(
        video=video, closed_at=None, cause__in=AUTOMATIC_CAUSES
    ).exclude(cause=proposed.cause)
    tasks.update(closed_at=at)
    if proposed.cause is not None:
        open_task(video, proposed.cause)


def send_to_review(video: Video, cause: TaskCause, *, at: datetime) -> list[str]:
    """Put an undecided video into the queue, in memory. Returns the names of fields to save."""
    before = CensorStatus(video.censor_status)
    names = video.set_censor_status(CensorStatus.CHECK, at=at)
    _update_tasks(video, _Proposal(CensorStatus.CHECK, cause), at=at)
    announcements.emit_status_change(video, before=before, source=Source.SYSTEM)
    return names
