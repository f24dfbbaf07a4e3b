"""What counts as drift: one function a kind, each looking at one video as both sides have it."""

import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from shortvideo.cloud import vod_gateway
from shortvideo.cloud.retry import retrying
from shortvideo.cloud.types import (
    AuditEntry,
    AuditStatus,
    MediaFacts,
    StreamFile,
    TranscodeTask,
    VodStatus,
)
from shortvideo.outbox.models import Delivery
from videos.mirror import asking, media
from videos.mirror import facts as mirror_facts
from videos.mirror.history import EXPECTED_STATUS
from videos.mirror.transcoding import LISTED_WITHIN, OUTCOMES
from videos.mirror.uploaders import uploader_in
from videos.models import CensorStatus, TranscodeJob, Video, VideoDeletion
from videos.reconcile.drift import Drift, Kind
from videos.services.source import has_source
from videos.services.standing import AUDIT_KIND as AUDIT
from videos.services.standing import standing_decision

# What follows from other things and is shown to nobody.
UNCOMPARED: Final = frozenset(("modification_time", "audit_status", "title_search"))
WITH_FILES: Final = (VodStatus.NORMAL, VodStatus.CHECKING)


@dataclass(frozen=True, slots=True)
class Scope:
    """What is compared.

    Attributes:
        started_at: when the comparison began.
        imported_at: what was created before came with the first import, whose files are left
            unread until somebody needs them.
        is_first_import: no import has ended: what is new is taken as VOD has it.
        is_every_file: ask for the files of every video that plays, one call each.
        file_share: beside what must be asked for, ask for the files of one in so many of those
            that were read; 0 is none.
        file_turn: which of these shares; any whole number.
        open_files: the videos whose files an earlier comparison found to differ.
    """

    started_at: datetime
    imported_at: datetime
    is_first_import: bool = False
    is_every_file: bool = False
    file_share: int = 0
    file_turn: int = 0
    open_files: frozenset[str] = frozenset()

    def has_turn(self, vod_id: str) -> bool:
        """Whether it is one of the videos whose files are compared this time."""
        if not self.file_share:
            return False
        return zlib.crc32(vod_id.encode()) % self.file_share == self.file_turn % self.file_share


@dataclass(frozen=True, slots=True)
class Case:
    """One video at one moment: its row, and what VOD says; None where a side does not have it.

    `is_readable` is false where VOD's answer makes no sense.
    """

    vod_id: str
    video: Video | None
    facts: MediaFacts | None
    is_readable: bool = True


Check = Callable[[Case, Scope], Drift | None]


def drifts_of(case: Case, scope: Scope, kinds: Iterable[Kind] = tuple(Kind)) -> list[Drift]:
    """The drift of these kinds. May ask VOD; raises CloudUnavailable, CloudRejected."""
    found = (CHECKS[kind](case, scope) for kind in kinds)
    return [drift for drift in found if drift is not None]


def _unreadable(case: Case, _: Scope) -> Drift | None:
    return None if case.is_readable else Drift(Kind.UNREADABLE, case.vod_id)


def _missing_here(case: Case, _: Scope) -> Drift | None:
    if case.video is not None or case.facts is None:
        return None
    return Drift(Kind.MISSING_HERE, case.vod_id, there=_described(case.facts))


def _missing_there(case: Case, _: Scope) -> Drift | None:
    video = case.video
    if video is None or video.deleted_at is not None or case.facts or not case.is_readable:
        return None
    return Drift(Kind.MISSING_THERE, case.vod_id, here=f"{video.censor_status}: {video.title}")


def _other_facts(case: Case, _: Scope) -> Drift | None:
    """What VOD says otherwise; a review's result in its status is a kind of its own."""
    sides = _both(case)
    if sides is None:
        return None
    video, said = sides
    names = differing(video, said)
    if _is_review_contradicted(video, said):
        names = [name for name in names if name != "status"]
    if not names:
        return None
    values = mirror_facts.field_values(said)
    return Drift(
        Kind.FACTS,
        case.vod_id,
        here=_listing(names, lambda name: getattr(video, name, "")),
        there=_listing(names, lambda name: values.get(name, "")),
    )


def _other_review(case: Case, _: Scope) -> Drift | None:
    sides = _both(case)
    if sides is None or not _is_review_contradicted(*sides):
        return None
    video, said = sides
    return Drift(Kind.REVIEW, case.vod_id, here=video.censor_status, there=said.status or "")


def _other_files(case: Case, scope: Scope) -> Drift | None:
    sides = _both(case)
    if sides is None or not are_files_due(*sides, scope):
        return None
    video, said = sides
    files = retrying(lambda: asking.fetch_files(vod_gateway(), said, video))
    if video.files_read_at is not None and _as_stored(files) == video.files:
        return None
    is_unread = video.files_read_at is None
    here = "unread" if is_unread else f"{len(video.files)} files"
    return Drift(Kind.FILES, case.vod_id, here=here, there=f"{len(files)} files")


def _missed_job(case: Case, scope: Scope) -> Drift | None:
    sides = _both(case)
    if sides is None:
        return None
    video, _ = sides
    running = TranscodeJob.objects.filter(video=video, state=TranscodeJob.State.SUBMITTED)
    for job in running.exclude(task_id=""):
        status = _status_of_task(job)
        if status in OUTCOMES or (not status and job.created_at < scope.started_at - LISTED_WITHIN):
            here = f"{job.kind}: {job.state}"
            return Drift(Kind.JOB, case.vod_id, here=here, there=status or "unknown to VOD")
    return None


def _undone_deletion(case: Case, _: Scope) -> Drift | None:
    deletion = _deletion_behind(case)
    if deletion is None or deletion.delivery is None:
        return None
    return Drift(Kind.DELETION, case.vod_id, here=deletion.get_state_display(), there="there")


def _returned(case: Case, _: Scope) -> Drift | None:
    """A tombstone that nobody here decided about: VOD had said that the video was gone."""
    if case.video is None or case.video.deleted_at is None or case.facts is None:
        return None
    deletion = _deletion_behind(case)
    if deletion is not None and deletion.delivery is not None:
        return None
    return Drift(Kind.RETURNED, case.vod_id, here="deleted", there=_described(case.facts))


CHECKS: Final[dict[Kind, Check]] = {
    Kind.MISSING_HERE: _missing_here,
    Kind.MISSING_THERE: _missing_there,
    Kind.FACTS: _other_facts,
    Kind.REVIEW: _other_review,
    Kind.FILES: _other_files,
    Kind.JOB: _missed_job,
    Kind.DELETION: _undone_deletion,
    Kind.RETURNED: _returned,
    Kind.UNREADABLE: _unreadable,
}


def _both(case: Case) -> tuple[Video, MediaFacts] | None:
    """Both sides of a video that is in the lists here and in VOD."""
    if case.video is None or case.video.deleted_at is not None or case.facts is None:
        return None
    return case.video, case.facts


def differing(video: Video, said: MediaFacts) -> list[str]:
    """The fields about which VOD says something else than the row."""
    values = mirror_facts.field_values(said).items()
    names = [
        name for name, value in values if name not in UNCOMPARED and getattr(video, name) != value
    ]
    if video.uploader_id is None and uploader_in(said) is not None:
        names.append("uploader")
    return names


def contradicts(video: Video, status: str) -> bool:
    """Whether VOD's status denies what is decided here.

    A block shows in every state of a video that has a source, a pass once it is transcoded.
    """
    expected = EXPECTED_STATUS.get(CensorStatus(video.censor_status))
    if expected is None or not has_source(status):
        return False
    if status in set(AuditStatus) or expected == AuditStatus.BLOCKED:
        return status != expected
    return status == VodStatus.CHECKING


def _is_review_contradicted(video: Video, said: MediaFacts) -> bool:
    status = said.status or ""
    return contradicts(video, status) or _is_pass_unknown(video, status)


def _is_pass_unknown(video: Video, status: str) -> bool:
    """Whether VOD lacks a pass that was given up while the status cannot show it yet."""
    if status in {*AuditStatus, VodStatus.CHECKING} or not video.is_passed:
        return False
    given_up = Delivery.objects.given_up().filter(kind=AUDIT).for_subject(video.vod_id)
    decision = standing_decision(video) if given_up.exists() else None
    if decision is None:
        return False
    top = latest_audit(video.vod_id)
    return top is None or top.status != decision.decision


def latest_audit(vod_id: str) -> AuditEntry | None:
    entries = retrying(lambda: vod_gateway().audit_history(vod_id))
    return entries[0] if entries else None


def are_files_due(video: Video, said: MediaFacts, scope: Scope) -> bool:
    """Whether the files must be asked for: they are unread, or lost, or all are wanted."""
    if not _has_files(said):
        return False
    if scope.is_every_file:
        return True
    if video.files_read_at is None:
        return video.creation_time >= scope.imported_at
    if video.vod_id in scope.open_files or scope.has_turn(video.vod_id):
        return True
    return not video.files and video.transcode_status == "success"


def _has_files(said: MediaFacts) -> bool:
    """Whether VOD tells the files of a video in this state."""
    return said.status in WITH_FILES


def are_files_hidden(case: Case, scope: Scope) -> bool:
    """Whether files that differed before cannot be looked at now: they may differ still."""
    sides = _both(case)
    return sides is not None and case.vod_id in scope.open_files and not _has_files(sides[1])


def _as_stored(files: Iterable[StreamFile]) -> list[dict[str, Any]]:
    return sorted((media.file_as_json(file) for file in files), key=media.file_order)


def _status_of_task(job: TranscodeJob) -> str:
    """What VOD says of the job's task; "" where it does not have it."""
    task: TranscodeTask | None = retrying(
        lambda: asking.none_if_missing(vod_gateway().transcode_task, job.task_id)
    )
    return task.status if task is not None else ""


def _deletion_behind(case: Case) -> VideoDeletion | None:
    """The deletion that set the tombstone of a video that VOD still has."""
    if case.video is None or case.video.deleted_at is None or case.facts is None:
        return None
    return case.video.deletions.select_related("delivery").order_by("-id").first()


def _described(said: MediaFacts) -> str:
    return f"{said.status}: {said.title}"


def _listing(names: Iterable[str], value_of: Callable[[str], Any]) -> str:
    return "; ".join(f"{name}: {value_of(name)}" for name in names)
