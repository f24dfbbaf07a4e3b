"""Ask VOD about videos: from a request to the reading that the mirror writes."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from shortvideo.cloud import CloudError, CloudRejected, CloudUnavailable, vod_gateway
from shortvideo.cloud.retry import retrying
from shortvideo.cloud.types import (
    AuditEntry,
    MachineJob,
    MachineJobStatus,
    MachineResult,
    MediaFacts,
    MediaPath,
    Mezzanine,
    SourceStatus,
    StreamFile,
    TranscodeTask,
    Trigger,
    VodStatus,
)
from videos.mirror.history import DECIDED, is_history_needed
from videos.mirror.reading import Reading
from videos.mirror.source import is_later_upload, is_upload_time_needed
from videos.mirror.transcoding import OUTCOMES
from videos.models import TranscodeJob, Video

if TYPE_CHECKING:
    from shortvideo.cloud.vod import VodGateway  # at run time it would load the SDKs

BATCH_SIZE = 20  # videos in one GetVideoInfos
ILLEGAL_STATUS = "Forbidden.IllegalStatus"
NO_STREAM = "InvalidVideo.NoneStream"
ENCRYPTED = "Forbidden.AliyunVoDEncryption"
NOT_PLAYABLE = (ILLEGAL_STATUS, NO_STREAM, ENCRYPTED)
WITH_FILES = (VodStatus.NORMAL, VodStatus.CHECKING)  # VOD tells the files of these

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """What to ask VOD about a video beside its facts.

    Attributes:
        files: the streams. If False, asked only if a job has ended, or if the status has changed
            and the row has none.
        pictures: the pictures of snapshot jobs. The facts name those of the upload only.
        source: the uploaded file if its path is unknown. If False, asked only if another upload
            or a verdict makes it necessary.
        upload: the uploaded file in any case, since another one may have been uploaded.
        upload_reported_at: end of the upload according to an unsigned callback (untrusted).
        jobs: progress of our transcoding jobs, and the files if a job has ended or the video is
            closed.
        audits: the history of decisions. If False, asked only if the facts, a verdict or an
            upload make it necessary.
        is_sending: the caller is about to send the decision that stands here.
        machine: the machine's latest verdict, and the job `machine_job_id` if that is given.
        snapshots_failed: an event reported that no snapshots could be taken.
    """

    files: bool = False
    pictures: bool = False
    source: bool = False
    upload: bool = False
    upload_reported_at: datetime | None = None
    jobs: bool = False
    audits: bool = False
    is_sending: bool = False
    machine: bool = False
    machine_job_id: str = ""
    snapshots_failed: bool = False


EVERYTHING = ReadRequest(
    files=True, pictures=True, upload=True, jobs=True, audits=True, machine=True
)

# None: the facts are enough.
RequestFor = Callable[[MediaFacts, Video | None], ReadRequest | None]


class Call(Protocol):
    """`retrying` or `no_retry` of shortvideo.cloud.retry."""

    def __call__(self, call: Callable[[], T], /) -> T: ...


@dataclass(frozen=True, slots=True)
class ReadResult:
    """What VOD answered about one video.

    Attributes:
        reading: None if VOD does not have the video (`is_missing`), if the call failed (`error`),
            or if VOD's answer about it is unreadable (neither of the two).
        error: an outage, or the refusal of a part that the facts need: the tasks or the history.
    """

    vod_id: str
    reading: Reading | None = None
    is_missing: bool = False
    error: CloudError | None = None

    @property
    def errors(self) -> tuple[CloudError, ...]:
        """All errors, including the refusals that left a part out of the reading."""
        if self.error is not None:
            return (self.error,)
        return self.reading.refusals if self.reading is not None else ()


def read_videos(
    vod_ids: Iterable[str], request_for: RequestFor, *, call: Call = retrying
) -> Iterator[ReadResult]:
    """Yield one result for each of up to 20 ids, in their order.

    An outage or refusal about one video is the `error` of its result. Each video is asked about
    when its result is fetched, so a caller that stops early avoids the other calls.

    Raises CloudUnavailable or CloudRejected if the facts of the videos cannot be read.
    """
    ids = list(vod_ids)
    facts, missing = call(lambda: fetch_facts(ids))
    rows = rows_by_vod_id(facts.values())
    for vod_id in ids:
        if vod_id not in facts:
            yield ReadResult(vod_id, is_missing=vod_id in missing)
            continue
        video = rows.get(vod_id)
        request = request_for(facts[vod_id], video)
        try:
            result = read_video(facts[vod_id], video, request, call=call)
        except CloudUnavailable as error:
            result = ReadResult(vod_id, error=error)
        yield result


def read_video(
    facts: MediaFacts, video: Video | None, request: ReadRequest | None, *, call: Call = retrying
) -> ReadResult:
    """Read one video whose facts have just been read; `video` is its row, None for a new one.

    A refusal is the result's `error`. Raises CloudUnavailable.
    """
    if request is None:
        return ReadResult(facts.vod_id, Reading(facts))
    try:
        return ReadResult(facts.vod_id, call(lambda: fetch_reading(facts, video, request)))
    except CloudRejected as error:
        return ReadResult(facts.vod_id, error=error)


def fetch_facts(vod_ids: Iterable[str]) -> tuple[dict[str, MediaFacts], set[str]]:
    """Return the facts of up to 20 videos by id, and the ids that VOD does not have.

    Raises CloudUnavailable, CloudRejected.
    """
    found = vod_gateway().get_infos(list(vod_ids))
    return {facts.vod_id: facts for facts in found.videos}, set(found.missing_ids)


def rows_by_vod_id(facts: Iterable[MediaFacts]) -> dict[str, Video]:
    return Video.objects.in_bulk([item.vod_id for item in facts], field_name="vod_id")


def may_need_more(known: Any, facts: MediaFacts) -> bool:
    """Whether `fetch_reading` may ask VOD for more, although the facts equal those of the row.

    `known` is of `rows_for_list`.
    """
    if known.deleted_at is not None:
        return False
    return is_upload_time_needed(known, facts) or is_history_needed(known, facts)


def fetch_reading(facts: MediaFacts, video: Video | None, request: ReadRequest) -> Reading:
    """Ask VOD once for all that `request` needs about one video whose facts have just been read.

    Files, pictures, source and the machine's verdict are left out if VOD refuses them; the refusal
    is then among the reading's `refusals`. Raises CloudUnavailable, and CloudRejected if VOD
    refuses the tasks or the history: without them the facts would be misread.
    """
    gateway = vod_gateway()
    followed_ids = _followed_task_ids(video) if request.jobs and video is not None else ()
    tasks = _fetch_tasks(gateway, followed_ids)
    lost_ids = set(followed_ids) - {task.task_id for task in tasks}
    if request.jobs and facts.status == VodStatus.BLOCKED:
        tasks += _fetch_automatic_tasks(gateway, facts.vod_id, video)
    # Each stream of a closed video must be purged as soon as VOD has it.
    is_closed = video is not None and video.is_closed
    has_news = any(task.status in OUTCOMES for task in tasks) or (request.jobs and is_closed)
    is_source_unknown = video is None or not video.source_path
    needs_upload_time = is_upload_time_needed(video, facts)
    # A verdict must not overrule a person's decision in VOD that was not imported yet.
    is_verdict_doubtful = request.machine and facts.status in DECIDED
    needs_source = (
        request.upload
        or (request.source and is_source_unknown)
        or needs_upload_time
        or is_verdict_doubtful
    )
    refusals: list[CloudRejected] = []

    def unless_refused(ask: Callable[[], T], *, when: bool) -> T | None:
        try:
            return ask() if when else None
        except CloudRejected as error:
            refusals.append(error)
            return None

    source = unless_refused(lambda: _fetch_source(gateway, facts.vod_id), when=needs_source)
    uploaded_at = source.creation_time if source is not None else None
    # Another source, or another upload time, changes which decisions are in force.
    is_other_source = needs_upload_time or is_later_upload(video, uploaded_at)
    needs_audits = (
        request.audits
        or is_verdict_doubtful
        or is_history_needed(video, facts)
        or (is_other_source and facts.status in DECIDED)
    )
    return Reading(
        facts,
        files=unless_refused(
            lambda: fetch_files(gateway, facts, video),
            when=request.files or has_news or _may_have_first_files(facts, video),
        ),
        pictures=unless_refused(
            lambda: fetch_pictures(gateway, facts.vod_id), when=request.pictures
        ),
        source=source,
        snapshots_failed=request.snapshots_failed,
        machine=unless_refused(
            lambda: _fetch_machine_review(gateway, facts.vod_id, video, request.machine_job_id),
            when=request.machine,
        ),
        audits=_fetch_history(gateway, facts.vod_id, uploaded_at) if needs_audits else None,
        is_sending=request.is_sending,
        tasks=tasks,
        lost_task_ids=tuple(sorted(lost_ids)),
        source_uploaded_at=uploaded_at,
        upload_reported_at=request.upload_reported_at,
        refusals=tuple(refusals),
    )


def _may_have_first_files(facts: MediaFacts, video: Video | None) -> bool:
    """Whether VOD may have files of a row without any: its status has changed.

    What is known to be missing is then read with the status, and never counts as unread.
    """
    if video is None or video.files or video.status == facts.status:
        return False
    return facts.status in WITH_FILES


def _fetch_source(gateway: "VodGateway", vod_id: str) -> Mezzanine:
    """Return the uploaded file; a deleted one without a path if VOD does not have it."""
    found = none_if_missing(gateway.mezzanine, vod_id)
    return found or Mezzanine(MediaPath(""), status=SourceStatus.DELETED)


def _fetch_history(
    gateway: "VodGateway", vod_id: str, uploaded_at: datetime | None
) -> tuple[AuditEntry, ...]:
    """Return VOD's history of decisions since the upload; all of it if that time is unknown."""
    entries = gateway.audit_history(vod_id)
    return tuple(
        entry for entry in entries if uploaded_at is None or entry.created_at >= uploaded_at
    )


def none_if_missing(ask: Callable[[str], T], name: str) -> T | None:
    """Return the answer, or None if VOD does not have what `name` names."""
    try:
        return ask(name)
    except CloudRejected as error:
        if error.is_not_found:
            return None
        raise


def _followed_task_ids(video: Video) -> tuple[str, ...]:
    """Return the tasks of our jobs that have not ended, as far as we know."""
    followed = TranscodeJob.objects.followed().filter(video=video).exclude(task_id="")
    return tuple(followed.values_list("task_id", flat=True))


def _fetch_tasks(gateway: "VodGateway", task_ids: Iterable[str]) -> tuple[TranscodeTask, ...]:
    """Return the tasks that VOD has."""
    found = (none_if_missing(gateway.transcode_task, task_id) for task_id in task_ids)
    return tuple(task for task in found if task is not None)


def _fetch_automatic_tasks(
    gateway: "VodGateway", vod_id: str, video: Video | None
) -> tuple[TranscodeTask, ...]:
    """Return the tasks of the upload, newest first; the facts of a blocked video hide them."""
    found = gateway.transcode_tasks(vod_id, since=_uploaded_since(video))
    return tuple(task for task in found if task.trigger == Trigger.AUTO)


def _uploaded_since(video: Video | None) -> datetime | None:
    """Return the upload time of a source that replaced another; None for a first one."""
    if video is None or video.source_version == 1:
        return None
    return video.source_uploaded_at


def fetch_files(
    gateway: "VodGateway", facts: MediaFacts, video: Video | None
) -> tuple[StreamFile, ...]:
    """Return a video's streams; if VOD does not let it play, the outputs of its tasks.

    The tasks also name streams that were deleted since.
    """
    try:
        return gateway.play_files(facts.vod_id)
    except CloudRejected as error:
        if error.code == NO_STREAM:
            return ()
        if error.code not in NOT_PLAYABLE:
            raise
    return _outputs_of_tasks(gateway, facts.vod_id, _uploaded_since(video))


def fetch_pictures(gateway: "VodGateway", vod_id: str) -> tuple[MediaPath, ...]:
    """Return the pictures that VOD lists: of the latest snapshot job of each type."""
    try:
        return tuple(gateway.picture_urls(vod_id))
    except CloudRejected as error:
        if error.code == ILLEGAL_STATUS:
            return ()
        raise


def fetch_outputs(gateway: "VodGateway", video: Video) -> tuple[StreamFile, ...]:
    """Return a video's streams according to its tasks, which VOD tells of blocked videos too."""
    return _outputs_of_tasks(gateway, video.vod_id, _uploaded_since(video))


def _outputs_of_tasks(
    gateway: "VodGateway", vod_id: str, since: datetime | None
) -> tuple[StreamFile, ...]:
    """Return all outputs: an earlier one of a definition may be on the CDN too."""
    outputs: list[StreamFile] = []
    for listed in gateway.transcode_tasks(vod_id, since=since):
        task = none_if_missing(gateway.transcode_task, listed.task_id)
        jobs = task.jobs if task is not None else ()
        outputs += [job.output for job in jobs if job.output is not None]
    return tuple(outputs)


def _fetch_machine_review(
    gateway: "VodGateway", vod_id: str, video: Video | None, job_id: str
) -> MachineResult | MachineJob | None:
    """Return the machine's latest verdict, with the job `job_id` if VOD has it.

    Events come late and repeatedly, so the latest verdict counts, not the job's own. The job says
    when it was made (which source its verdict is about), or why there is no verdict. If the source
    has replaced another, a verdict without a job of that source proves nothing: then the job
    without a verdict is returned.
    """
    job = none_if_missing(gateway.machine_job, job_id) if job_id else None
    latest = gateway.machine_result(vod_id)  # asked last: it is at least as new as the job
    if job is None or job.vod_id not in {vod_id, ""}:
        return latest
    if job.status == MachineJobStatus.SUCCEEDED:
        return replace(job, result=latest or job.result)
    is_first_source = video is None or video.source_version == 1
    return latest if latest is not None and is_first_source else job
