"""What the backend is told of a video: from rows to the events of `docs/webhooks.md`.

Called in the transaction of what happened, by whoever holds the video's lock.
"""

from collections.abc import Mapping
from typing import Any, Final

from accounts.models import Operator
from shortvideo.webhooks.models import EventType, as_text
from shortvideo.webhooks.services import emit
from videos.models import (
    CensorStatus,
    ReviewDecision,
    Source,
    TranscodeJob,
    TranscodeKind,
    TranscodeStatus,
    Video,
)

REFUSED: Final = "refused"  # of a job; no status of a video
ENDED: Final = (TranscodeStatus.SUCCESS, TranscodeStatus.FAIL)
FILE_KEYS: Final = {
    "path": "path",
    "definition": "definition",
    "format": "format",
    "width": "width",
    "height": "height",
    "bitrate": "bitrate",
    "fps": "fps",
    "size": "size",
    "duration": "duration",
    "codec": "codec",
    "is_narrowband": "isNarrowband",
}


def emit_decision(review: ReviewDecision) -> None:
    """A new line of the log of decisions."""
    video = review.video
    emit(
        EventType.DECIDED,
        subject=video.vod_id,
        data={
            "decisionId": review.pk,
            "decision": review.decision,
            "censorStatus": review.to_status,
            "previousCensorStatus": review.from_status,
            "source": review.source,
            "reason": review.reason,
            "operator": review.operator.get_username() if review.operator else "",
            "auditor": review.auditor,
            "requestId": review.request_id,
            "decidedAt": as_text(review.created_at),
        },
    )
    _emit_publication_change(video, before=CensorStatus(review.from_status))


def emit_status_change(video: Video, *, before: CensorStatus, source: Source) -> None:
    """A status that changed without anybody's decision: by VOD's facts, or for lack of them."""
    if video.censor_status == before:
        return
    emit(
        EventType.DECIDED,
        subject=video.vod_id,
        data={
            "decisionId": None,
            "decision": None,
            "censorStatus": video.censor_status,
            "previousCensorStatus": before,
            "source": source,
            "reason": "",
            "operator": "",
            "auditor": "",
            "requestId": "",
            "decidedAt": as_text(video.censor_changed_at),
        },
    )
    _emit_publication_change(video, before=before)


def _emit_publication_change(video: Video, *, before: CensorStatus) -> None:
    """The status has changed: it may be shown from now on, or not any more."""
    was_passed = before == CensorStatus.SUCCESS
    if was_passed == video.is_passed or video.deleted_at is not None:
        return
    _emit_publication(video, before=before)


def _emit_publication(video: Video, *, before: CensorStatus | None = None) -> None:
    """Whether it may be shown. Without `before` it is something else that has changed."""
    is_public = video.is_passed and video.deleted_at is None
    emit(
        EventType.PUBLISHED if is_public else EventType.UNPUBLISHED,
        subject=video.vod_id,
        data={
            "censorStatus": video.censor_status,
            "previousCensorStatus": before,
            "isDeleted": video.deleted_at is not None,
        },
    )


def emit_new_video(video: Video) -> None:
    """A row that is new: only what may be shown at once is news."""
    if video.is_passed:
        _emit_publication(video)


def emit_mirror_changes(video: Video, before: Mapping[str, Any]) -> None:
    """What VOD says was written; `before` has the fields as they were."""
    emit_status_change(video, before=CensorStatus(before["censor_status"]), source=Source.VOD)
    has_new_source = video.source_version != before["source_version"]
    for kind in TranscodeKind:
        status = video.transcode_status_of(kind)
        if status in ENDED and (has_new_source or status != before[kind.status_field]):
            _emit_transcoding(video, kind, status, job=_latest_job(video, kind))


def emit_refused_job(job: TranscodeJob) -> None:
    """VOD did not take a job: the video shows what it showed before."""
    _emit_transcoding(job.video, TranscodeKind(job.kind), REFUSED, job=job)


def emit_failed_job(job: TranscodeJob) -> None:
    """A job that never reached VOD, as far as anybody knows."""
    _emit_transcoding(job.video, TranscodeKind(job.kind), TranscodeStatus.FAIL, job=job)


def _emit_transcoding(
    video: Video, kind: TranscodeKind, status: str, *, job: TranscodeJob | None
) -> None:
    """Transcoding of a kind has ended; a job of ours says why it did not end well."""
    has_error = job is not None and status != TranscodeStatus.SUCCESS
    emit(
        EventType.TRANSCODED,
        subject=video.vod_id,
        data={
            "kind": kind,
            "status": status,
            **_shown_statuses(video),
            "errorCode": job.error_code if job is not None and has_error else "",
            "errorMessage": job.error_message if job is not None and has_error else "",
            "files": [_as_file(file) for file in video.files],
        },
    )


def _shown_statuses(video: Video) -> dict[str, str]:
    """How its transcoding stands, as `getVideos` answers it."""
    return {
        "transcodeStatus": video.transcode_status,
        "narrowTranscodeStatus": video.narrow_transcode_status,
    }


def _latest_job(video: Video, kind: TranscodeKind) -> TranscodeJob | None:
    jobs = TranscodeJob.objects.of_kind(kind).filter(video=video)
    return jobs.filter(source_version=video.source_version).order_by("-id").first()


def _as_file(file: Mapping[str, Any]) -> dict[str, Any]:
    """A stream, as host and path: a signed URL would not live until it is read."""
    return {spelling: file[key] for key, spelling in FILE_KEYS.items()}


def emit_deletion(video: Video, *, operator: Operator | None = None, request_id: str = "") -> None:
    """The tombstone is set."""
    if video.is_passed:
        _emit_publication(video)
    emit(
        EventType.DELETED,
        subject=video.vod_id,
        data={
            "operator": operator.get_username() if operator else "",
            "requestId": request_id,
            "deletedAt": as_text(video.deleted_at) if video.deleted_at else None,
        },
    )


def emit_undeletion(video: Video, *, code: str = "", message: str = "") -> None:
    """The tombstone is gone: VOD refused the deletion, or has the video after all."""
    emit(
        EventType.RESTORED,
        subject=video.vod_id,
        data={
            "censorStatus": video.censor_status,
            **_shown_statuses(video),
            "errorCode": code,
            "errorMessage": message,
        },
    )
    if video.is_passed:
        _emit_publication(video)
