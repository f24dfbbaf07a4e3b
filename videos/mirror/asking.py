"""Asking VOD about videos: from a question to the reading that the mirror writes."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

from shortvideo.cloud import CloudRejected, vod_gateway
from shortvideo.cloud.types import (
    AuditEntry,
    MachineJob,
    MachineJobStatus,
    MachineResult,
    MediaFacts,
    Mezzanine,
    StreamFile,
    TranscodeTask,
    Trigger,
    VodStatus,
)
from shortvideo.cloud.vod import VodGateway
from videos.mirror.history import DECIDED, is_history_needed
from videos.mirror.reading import Reading
from videos.mirror.source import is_later_upload, is_upload_time_needed
from videos.mirror.transcoding import OUTCOMES
from videos.models import TranscodeJob, Video

BATCH_SIZE = 20  # videos in one GetVideoInfos
NOT_PLAYABLE = (
    "Forbidden.IllegalStatus",
    "InvalidVideo.NoneStream",
    "Forbidden.AliyunVoDEncryption",
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """What to ask beside the facts.

    Attributes:
        files: the streams.
        source: the uploaded file, where its place is not known yet; without it, only where the
            facts tell of another upload.
        upload: the uploaded file in any case, as another may have been uploaded.
        upload_reported_at: when an upload ended, as somebody said whom nobody need believe.
        jobs: how our transcoding jobs are doing; the files too, when one has ended.
        audits: the history of decisions; without it, only where the facts, a verdict or an upload
            make it necessary.
        is_sending: whoever asks is about to send the decision that stands here.
        machine: the machine's latest verdict, and how `machine_job_id` went where it is given.
    """

    files: bool = False
    source: bool = False
    upload: bool = False
    upload_reported_at: datetime | None = None
    jobs: bool = False
    audits: bool = False
    is_sending: bool = False
    machine: bool = False
    machine_job_id: str = ""
    snapshots_failed: bool = False


EVERYTHING = ReadRequest(files=True, upload=True, jobs=True, audits=True, machine=True)


def fetch_facts(vod_ids: Iterable[str]) -> tuple[dict[str, MediaFacts], set[str]]:
    """The facts of up to 20 videos by id, and the ids that VOD does not have.

    Raises CloudUnavailable, CloudRejected.
    """
    found = vod_gateway().get_infos(list(vod_ids))
    return {facts.vod_id: facts for facts in found.videos}, set(found.missing_ids)


def rows_by_vod_id(facts: Iterable[MediaFacts]) -> dict[str, Video]:
    return Video.objects.in_bulk([item.vod_id for item in facts], field_name="vod_id")


def fetch_reading(facts: MediaFacts, video: Video | None, asked: ReadRequest) -> Reading:
    """Ask all that is needed about one video whose facts have just been read.

    `video` is its row, None where it is new. Files, source and machine's verdict that VOD refuses
    are left out, with the refusal among `refusals`. Raises CloudUnavailable, and CloudRejected
    where tasks or the history are refused: without these the facts would be misread.
    """
    gateway = vod_gateway()
    ours = _followed_task_ids(video) if asked.jobs and video is not None else ()
    tasks = _fetch_tasks(gateway, ours)
    lost = set(ours) - {task.task_id for task in tasks}
    has_ended = any(task.status in OUTCOMES for task in tasks)
    if asked.jobs and facts.status == VodStatus.BLOCKED:
        tasks += _fetch_automatic_tasks(gateway, facts.vod_id, video)
    is_unknown = video is None or not video.source_path
    is_upload_doubtful = is_upload_time_needed(video, facts)
    # A verdict must not overrule a decision of people's about this source that nobody has asked
    # about yet.
    is_verdict_doubtful = asked.machine and facts.status in DECIDED
    needs_source = (
        asked.upload or (asked.source and is_unknown) or is_upload_doubtful or is_verdict_doubtful
    )
    refusals: list[CloudRejected] = []

    def unless_refused(ask: Callable[[], T], *, where: bool) -> T | None:
        try:
            return ask() if where else None
        except CloudRejected as error:
            refusals.append(error)
            return None

    source = unless_refused(lambda: _fetch_source(gateway, facts), where=needs_source)
    uploaded_at = source.creation_time if source is not None else None
    # With another source, or another moment of its upload, other decisions count than did so far.
    is_other_source = is_upload_doubtful or is_later_upload(video, uploaded_at)
    needs_audits = (
        asked.audits
        or is_verdict_doubtful
        or is_history_needed(video, facts)
        or (is_other_source and facts.status in DECIDED)
    )
    return Reading(
        facts,
        files=unless_refused(
            lambda: fetch_files(gateway, facts, video), where=asked.files or has_ended
        ),
        source=source,
        snapshots_failed=asked.snapshots_failed,
        machine=unless_refused(
            lambda: _fetch_machine_review(gateway, facts.vod_id, video, asked.machine_job_id),
            where=asked.machine,
        ),
        audits=_fetch_history(gateway, facts.vod_id, uploaded_at) if needs_audits else None,
        is_sending=asked.is_sending,
        tasks=tasks,
        lost_task_ids=tuple(sorted(lost)),
        source_uploaded_at=uploaded_at,
        upload_reported_at=asked.upload_reported_at,
        refusals=tuple(refusals),
    )


def _fetch_history(
    gateway: VodGateway, vod_id: str, uploaded_at: datetime | None
) -> tuple[AuditEntry, ...]:
    """VOD's history of decisions, without those about an earlier source where VOD tells which."""
    entries = gateway.audit_history(vod_id)
    return tuple(
        entry for entry in entries if uploaded_at is None or entry.created_at >= uploaded_at
    )


def none_if_missing(ask: Callable[[str], T], name: str) -> T | None:
    """The answer; None where VOD does not have what was asked for."""
    try:
        return ask(name)
    except CloudRejected as error:
        if error.is_not_found:
            return None
        raise


def _followed_task_ids(video: Video) -> tuple[str, ...]:
    """The tasks of our jobs whose end VOD has not told yet."""
    followed = TranscodeJob.objects.followed().filter(video=video).exclude(task_id="")
    return tuple(followed.values_list("task_id", flat=True))


def _fetch_tasks(gateway: VodGateway, task_ids: Iterable[str]) -> tuple[TranscodeTask, ...]:
    """Those of the tasks that VOD has."""
    found = (none_if_missing(gateway.transcode_task, task_id) for task_id in task_ids)
    return tuple(task for task in found if task is not None)


def _fetch_automatic_tasks(
    gateway: VodGateway, vod_id: str, video: Video | None
) -> tuple[TranscodeTask, ...]:
    """The tasks of the upload, newest first: a block hides from the facts how they went."""
    found = gateway.transcode_tasks(vod_id, since=_uploaded_since(video))
    return tuple(task for task in found if task.trigger == Trigger.AUTO)


def _uploaded_since(video: Video | None) -> datetime | None:
    """Since when a video has its present source, where that has replaced another."""
    if video is None or video.source_version == 1:
        return None
    return video.source_uploaded_at


def fetch_files(
    gateway: VodGateway, facts: MediaFacts, video: Video | None
) -> tuple[StreamFile, ...]:
    """The streams of a video; of one that VOD does not let play, what its tasks have made."""
    try:
        return gateway.play_files(facts.vod_id)
    except CloudRejected as error:
        if error.code not in NOT_PLAYABLE:
            raise
    return _outputs_of_tasks(gateway, facts.vod_id, _uploaded_since(video))


def _outputs_of_tasks(
    gateway: VodGateway, vod_id: str, since: datetime | None
) -> tuple[StreamFile, ...]:
    """The newest output of each definition and format."""
    newest: dict[tuple[str, str], StreamFile] = {}
    for listed in gateway.transcode_tasks(vod_id, since=since):
        task = none_if_missing(gateway.transcode_task, listed.task_id)
        for job in task.jobs if task is not None else ():
            if job.output is not None:
                newest.setdefault((job.output.definition, job.output.format), job.output)
    return tuple(newest.values())


def _fetch_source(gateway: VodGateway, facts: MediaFacts) -> Mezzanine | None:
    return none_if_missing(gateway.mezzanine, facts.vod_id)


def _fetch_machine_review(
    gateway: VodGateway, vod_id: str, video: Video | None, job_id: str
) -> MachineResult | MachineJob | None:
    """The machine's latest verdict, whichever job was named: events come late, and again.

    A job that was named says when it was made, which tells of which source its verdict is, and why
    there is none. Where another source came, a verdict without a job of that source is worth
    nothing, and its failure is all there is to know.
    """
    job = none_if_missing(gateway.machine_job, job_id) if job_id else None
    latest = gateway.machine_result(vod_id)  # asked last: it is at least as new as the job
    if job is None or job.vod_id not in {vod_id, ""}:
        return latest
    if job.status == MachineJobStatus.SUCCEEDED:
        return replace(job, result=latest or job.result)
    is_first_source = video is None or video.source_version == 1
    return latest if latest is not None and is_first_source else job
