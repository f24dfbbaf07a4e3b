"""What counts as drift: one function for each kind compares both sides of one video."""

import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from accounts.models import Uploader
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
from videos.mirror.facts import field_values
from videos.mirror.history import EXPECTED_STATUS
from videos.mirror.transcoding import LISTED_WITHIN, OUTCOMES
from videos.mirror.uploaders import has_other_uploader, uploader_in
from videos.models import CensorStatus, TranscodeJob, Video, VideoDeletion
from videos.reconcile.drift import Drift, Kind
from videos.services.source import has_source
from videos.services.standing import AUDIT_KIND as AUDIT
from videos.services.standing import standing_decision
from videos.services.status import is_left_waiting

# These fields follow from others, and no user sees them.
UNCOMPARED: Final = frozenset(("modification_time", "audit_status", "title_search"))
LATE: Final = timedelta(days=2)  # after a block: a stream may come whose events are lost


@dataclass(frozen=True, slots=True)
class Scope:
    """What is compared.

    Attributes:
        started_at: start of the comparison.
        imported_at: start of the first import. Files of videos created before it stay unread
            until they are needed.
        is_first_import: no import is complete: new videos keep VOD's review status.
        is_every_detail: compare also what VOD's list does not name, such as the uploader: each
            video is read by its id, 20 in a call.
        is_every_file: compare the files of every playable video whose files were read, one call
            each.
        is_heal: with `is_every_file`, files that were never read are read too.
        file_share: also compare the files of one in `file_share` videos whose files were read; 0
            is none.
        file_turn: which of these shares; any whole number.
        open_files: ids of videos whose files differed in an earlier comparison.
    """

    started_at: datetime
    imported_at: datetime
    is_first_import: bool = False
    is_every_detail: bool = False
    is_every_file: bool = False
    is_heal: bool = False
    file_share: int = 0
    file_turn: int = 0
    open_files: frozenset[str] = frozenset()

    def has_details_due(self, vod_id: str) -> bool:
        """Whether the video must be read by its id."""
        return self.is_every_detail or self.is_every_file or self.has_turn(vod_id)

    def has_turn(self, vod_id: str) -> bool:
        """Whether the video is in the share that is compared in full this time."""
        if not self.file_share:
            return False
        return zlib.crc32(vod_id.encode()) % self.file_share == self.file_turn % self.file_share


@dataclass(frozen=True, slots=True)
class Case:
    """One video at one time: its row and VOD's facts; None if a side does not have it.

    `is_readable` is False if VOD's answer about it is unreadable.
    """

    vod_id: str
    video: Video | None
    facts: MediaFacts | None
    is_readable: bool = True


Sides = tuple[str, str]  # `here` and `there` of a Drift


def drifts_of(case: Case, scope: Scope, kinds: Iterable[Kind] = tuple(Kind)) -> list[Drift]:
    """Return the drift of these kinds. May ask VOD: raises CloudUnavailable, CloudRejected."""
    found = ((kind, _check(kind, case, scope)) for kind in kinds)
    return [Drift(kind, case.vod_id, *sides) for kind, sides in found if sides is not None]


def _check(kind: Kind, case: Case, scope: Scope) -> Sides | None:
    video, facts = case.video, case.facts
    if kind in ONE_SIDED:
        return ONE_SIDED[kind](case)
    if video is None or facts is None:
        return None
    check = (OF_VISIBLE if video.deleted_at is None else OF_DELETED).get(kind)
    return check(video, facts, scope) if check is not None else None


def _unreadable(case: Case) -> Sides | None:
    return None if case.is_readable else ("", "")


def _missing_here(case: Case) -> Sides | None:
    if case.video is not None or case.facts is None:
        return None
    return "", _described(case.facts)


def _missing_there(case: Case) -> Sides | None:
    video = case.video
    if video is None or video.deleted_at is not None or case.facts or not case.is_readable:
        return None
    return f"{video.censor_status}: {video.title}", ""


def _different_facts(video: Video, facts: MediaFacts, _scope: Scope) -> Sides | None:
    """A review result in VOD's status is a kind of its own."""
    names = differing_fields(video, facts)
    if _is_review_contradicted(video, facts):
        names = [name for name in names if name != "status"]
    if not names:
        return None
    values = field_values(facts)
    if "uploader" in names and (uploader := uploader_in(facts)) is not None:
        values["uploader"] = uploader.user_id
    return (
        "; ".join(f"{name}: {_shown(getattr(video, name))}" for name in names),
        "; ".join(f"{name}: {values.get(name, '')}" for name in names),
    )


def _different_review(video: Video, facts: MediaFacts, _scope: Scope) -> Sides | None:
    if not _is_review_contradicted(video, facts):
        return None
    return video.censor_status, facts.status or ""


def _different_files(video: Video, facts: MediaFacts, scope: Scope) -> Sides | None:
    if not are_files_due(video, facts, scope):
        return None
    if facts.status == VodStatus.BLOCKED:
        return _unpurged_media(video)
    files = retrying(lambda: asking.fetch_files(vod_gateway(), facts, video))
    if video.files_read_at is not None and _as_stored(files) == _comparable(video.files):
        return None
    is_unread = video.files_read_at is None
    return "unread" if is_unread else f"{len(video.files)} files", f"{len(files)} files"


def _unpurged_media(video: Video) -> Sides | None:
    """Media of a blocked video that are not known here: no takedown has purged them."""
    gateway = vod_gateway()
    there = {file.path for file in retrying(lambda: asking.fetch_outputs(gateway, video))}
    there.update(retrying(lambda: asking.fetch_pictures(gateway, video.vod_id)))
    known = {item["path"] for item in video.media}
    if video.files_read_at is not None and there <= known:
        return None
    return f"{len(known)} files", f"{len(there | known)} files"


def _missed_job(video: Video, _facts: MediaFacts, scope: Scope) -> Sides | None:
    running = TranscodeJob.objects.filter(video=video, state=TranscodeJob.State.SUBMITTED)
    for job in running.exclude(task_id=""):
        status = _status_of_task(job)
        if status in OUTCOMES or (not status and job.created_at < scope.started_at - LISTED_WITHIN):
            return f"{job.kind}: {job.state}", status or "unknown to VOD"
    return None


def _ineffective_deletion(video: Video, _facts: MediaFacts, _scope: Scope) -> Sides | None:
    deletion = _deletion_by_operator(video)
    return (deletion.get_state_display(), "there") if deletion is not None else None


def _returned(video: Video, facts: MediaFacts, _scope: Scope) -> Sides | None:
    return ("deleted", _described(facts)) if _deletion_by_operator(video) is None else None


ONE_SIDED: Final[dict[Kind, Callable[[Case], Sides | None]]] = {
    Kind.MISSING_HERE: _missing_here,
    Kind.MISSING_THERE: _missing_there,
    Kind.UNREADABLE: _unreadable,
}
OF_VISIBLE: Final[dict[Kind, Callable[[Video, MediaFacts, Scope], Sides | None]]] = {
    Kind.FACTS: _different_facts,
    Kind.REVIEW: _different_review,
    Kind.FILES: _different_files,
    Kind.JOB: _missed_job,
}
OF_DELETED: Final[dict[Kind, Callable[[Video, MediaFacts, Scope], Sides | None]]] = {
    Kind.DELETION: _ineffective_deletion,
    Kind.RETURNED: _returned,
}


def _shown(value: Any) -> Any:
    return value.user_id if isinstance(value, Uploader) else "" if value is None else value


def differing_fields(video: Video, facts: MediaFacts) -> list[str]:
    """Return the names of the row's fields that differ from VOD's facts."""
    values = field_values(facts).items()
    names = [
        name for name, value in values if name not in UNCOMPARED and getattr(video, name) != value
    ]
    user_id = video.uploader.user_id if video.uploader is not None else None
    if has_other_uploader(user_id, facts):
        names.append("uploader")
    return names


def contradicts(video: Video, status: str) -> bool:
    """Whether VOD's status contradicts the decision here.

    With a source, a block always shows as `Blocked`, a pass only after transcoding.
    """
    expected = EXPECTED_STATUS.get(CensorStatus(video.censor_status))
    if expected is None or not has_source(status):
        return False
    if status in set(AuditStatus) or expected == AuditStatus.BLOCKED:
        return status != expected
    return status == VodStatus.CHECKING


def _is_review_contradicted(video: Video, facts: MediaFacts) -> bool:
    status = facts.status or ""
    return (
        contradicts(video, status)
        or is_result_missed(video, status)
        or _is_pass_unknown(video, status)
    )


def is_result_missed(video: Video, status: str) -> bool:
    """Whether the video waits here without a reason although VOD shows a result."""
    return status in set(AuditStatus) and video.status == status and is_left_waiting(video)


def _is_pass_unknown(video: Video, status: str) -> bool:
    """Whether a pass was given up and VOD lacks it, which no status shows yet."""
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


def are_files_due(video: Video, facts: MediaFacts, scope: Scope) -> bool:
    """Whether VOD must be asked for the files: they are unread, lost, in scope, or just blocked."""
    if not _has_files(facts) and facts.status != VodStatus.BLOCKED:
        return False
    if video.files_read_at is None:
        is_old_stock = video.creation_time < scope.imported_at
        return not is_old_stock or (scope.is_every_file and scope.is_heal)
    if scope.is_every_file or video.vod_id in scope.open_files or scope.has_turn(video.vod_id):
        return True
    if facts.status == VodStatus.BLOCKED and video.censor_changed_at > scope.started_at - LATE:
        return True
    return not video.files and video.transcode_status == "success"


def _has_files(facts: MediaFacts) -> bool:
    """Whether VOD tells all files of a video in this status; of a blocked one, only the streams."""
    return facts.status in asking.WITH_FILES


def are_files_hidden(case: Case, scope: Scope) -> bool:
    """Whether files that differed before cannot be compared now: they may still differ."""
    is_visible = case.video is not None and case.video.deleted_at is None
    is_hidden = case.facts is not None and not _has_files(case.facts)
    return is_visible and is_hidden and case.vod_id in scope.open_files


def _as_stored(files: Iterable[StreamFile]) -> list[dict[str, Any]]:
    return _comparable(sorted(map(media.file_as_json, files), key=media.file_order))


def _comparable(files: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The files without their time: older rows have none."""
    return [{**file, "created_at": ""} for file in files]


def _status_of_task(job: TranscodeJob) -> str:
    """Return the status of the job's task in VOD; "" if VOD does not have the task."""
    task: TranscodeTask | None = retrying(
        lambda: asking.none_if_missing(vod_gateway().transcode_task, job.task_id)
    )
    return task.status if task is not None else ""


def _deletion_by_operator(video: Video) -> VideoDeletion | None:
    """Return the deletion of a deleted video; None if VOD itself had lost the video."""
    deletion = video.deletions.order_by("-id").first()
    return deletion if deletion is not None and deletion.delivery_id is not None else None


def _described(facts: MediaFacts) -> str:
    return f"{facts.status}: {facts.title}"
