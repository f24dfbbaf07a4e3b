"""Emit the events about videos that `docs/webhooks.md` describes.

The caller holds the video's lock, in the transaction of the change.
"""

from collections.abc import Mapping
from typing import Any, Final

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
    VideoDeletion,
)
from videos.models.media import FILE_FIELDS, is_unplayable

REFUSED: Final = "refused"  # a job's end; the video has no such status
ENDED: Final = (TranscodeStatus.SUCCESS, TranscodeStatus.FAIL)


def emit_decision(review: ReviewDecision) -> None:
    """Emit a new line of the log, and whether the video may be shown if that changed."""
    _emit_line(review)
    before = CensorStatus(review.from_status)
    _emit_publication_change(review.video, before, was_unplayable=review.video.is_unplayable)


def _emit_line(review: ReviewDecision) -> None:
    video = review.video
    emit(
        EventType.DECIDED,
        subject=video.vod_id,
        data={
            "decisionId": review.pk,
            "decision": review.decision or None,
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


def emit_status_change(video: Video, *, before: CensorStatus, source: Source) -> None:
    """Emit a status that changed without a decision, if it changed."""
    if video.censor_status != before:
        emit_decision(_unlogged_line(video, before, source))


def _unlogged_line(video: Video, before: CensorStatus, source: Source) -> ReviewDecision:
    """A line that is not saved: it only has the same shape."""
    return ReviewDecision(
        video=video,
        source=source,
        from_status=before,
        to_status=video.censor_status,
        created_at=video.censor_changed_at,
    )


def _emit_publication_change(video: Video, before: CensorStatus, *, was_unplayable: bool) -> None:
    """Emit whether the video may be shown if that changed with its status or its files."""
    was_public = before == CensorStatus.SUCCESS and not was_unplayable
    if video.deleted_at is None and was_public != video.is_public:
        _emit_publication(video, before=before if before != video.censor_status else None)


def _emit_publication(video: Video, *, before: CensorStatus | None = None) -> None:
    """Emit whether the video may be shown. `before` is None if its status did not change."""
    emit(
        EventType.PUBLISHED if video.is_public else EventType.UNPUBLISHED,
        subject=video.vod_id,
        data={
            "censorStatus": video.censor_status,
            "previousCensorStatus": before,
            "isDeleted": video.deleted_at is not None,
        },
    )


def emit_new_video(video: Video) -> None:
    """Emit a new video only if it may be shown at once."""
    if video.is_public:
        _emit_publication(video)


def emit_mirror_changes(video: Video, before: Mapping[str, Any]) -> None:
    """Emit what the mirror wrote; `before` has the earlier values of the fields."""
    status_before = CensorStatus(before["censor_status"])
    if video.censor_status != status_before:
        _emit_line(_unlogged_line(video, status_before, Source.VOD))
    _emit_publication_change(video, status_before, was_unplayable=is_unplayable(before))
    has_new_source = video.source_version != before["source_version"]
    for kind in TranscodeKind:
        status = video.transcode_status_of(kind)
        if status in ENDED and (has_new_source or status != before[kind.status_field]):
            _emit_transcoding(video, kind, status, job=_latest_job(video, kind))


def emit_unsubmitted_job(job: TranscodeJob, status: str) -> None:
    """Emit the end of a job that VOD refused (`REFUSED`), or that never reached it (`fail`)."""
    _emit_transcoding(job.video, TranscodeKind(job.kind), status, job=job)


def _emit_transcoding(
    video: Video, kind: TranscodeKind, status: str, *, job: TranscodeJob | None
) -> None:
    """Emit the end of transcoding. If it failed, our job has the reason."""
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
    """Both transcoding statuses, as in the answer of `getVideos`."""
    return {
        "transcodeStatus": video.transcode_status,
        "narrowTranscodeStatus": video.narrow_transcode_status,
    }


def _latest_job(video: Video, kind: TranscodeKind) -> TranscodeJob | None:
    jobs = video.transcode_jobs.of_kind(kind).filter(source_version=video.source_version)
    return jobs.order_by("-id").first()


def _as_file(file: Mapping[str, Any]) -> dict[str, Any]:
    """A stream with `host/path`: a signed URL would expire before the backend reads it."""
    same = [name for name in FILE_FIELDS if name not in ("is_narrowband", "job_id")]
    return {**{name: file[name] for name in same}, "isNarrowband": file["is_narrowband"]}


def emit_deletion(video: Video, deletion: VideoDeletion) -> None:
    """Emit that the tombstone is set."""
    if video.is_passed and not video.is_unplayable:
        _emit_publication(video)
    emit(
        EventType.DELETED,
        subject=video.vod_id,
        data={
            "operator": deletion.operator.get_username() if deletion.operator else "",
            "requestId": deletion.request_id,
            "deletedAt": as_text(video.deleted_at) if video.deleted_at else None,
        },
    )


def emit_undeletion(video: Video, *, code: str = "", message: str = "") -> None:
    """Emit that the tombstone is gone: VOD refused the deletion, or has the video after all."""
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
    if video.is_public:
        _emit_publication(video)
