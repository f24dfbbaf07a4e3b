"""Files and pictures: what plays, what was uploaded, and whether there are snapshots."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from shortvideo.cloud.types import StreamFile
from videos.mirror.facts import fit_column
from videos.mirror.reading import Reading
from videos.models import SnapshotStatus, Video
from videos.models.media import media_named_by


def copy_media(video: Video, reading: Reading) -> None:
    """Put the files of a fresh reading on the row; without a change the row stays as it is."""
    if reading.source is not None and reading.source.path:
        video.source_path = fit_column("source_path", reading.source.path)
    if reading.files is not None and not _has_newer_files(video, reading):
        files = sorted((file_as_json(file) for file in reading.files), key=file_order)
        if files != video.files or video.files_read_at is None:
            video.files, video.files_read_at = files, reading.facts.read_at
    if reading.snapshots_failed and not video.snapshots:
        video.snapshot_status = SnapshotStatus.FAIL


def keep_dropped_media(video: Video, before: Mapping[str, Any]) -> None:
    """Keep what a reading has dropped: it was issued, and must go with the clip.

    `before` has the fields as they were. Media of an earlier source are those of another clip: they
    are purged when it is replaced.
    """
    if video.source_version != before["source_version"]:
        video.further_media = []
        return
    named = {item["path"] for item in video.media_now}
    if dropped := [item for item in media_named_by(before) if item["path"] not in named]:
        video.remember_media(dropped)


@transaction.atomic
def write_files_of_deleted_video(reading: Reading, *, source_version: int) -> None:
    """Write the files of a clip with a tombstone, which keeps out all else that VOD says.

    `source_version` is that of the row when VOD was asked; on another nothing is written.
    """
    deleted = Video.objects.exclude(deleted_at=None).filter(source_version=source_version)
    video = deleted.select_for_update().filter(vod_id=reading.facts.vod_id).first()
    if video is None:
        return
    copy_media(video, reading)
    video.save(update_fields=["source_path", "files", "files_read_at"])


def _has_newer_files(video: Video, reading: Reading) -> bool:
    return video.files_read_at is not None and video.files_read_at > reading.facts.read_at


def file_as_json(file: StreamFile) -> dict[str, Any]:
    """One item of `Video.files`."""
    return {
        "path": file.path,
        "definition": file.definition,
        "format": file.format,
        "width": file.width,
        "height": file.height,
        "bitrate": file.bitrate,
        "fps": file.fps,
        "size": file.size,
        "duration": file.duration,
        "codec": file.codec,
        "is_narrowband": file.is_narrowband,
        "job_id": file.job_id,
    }


def file_order(file: dict[str, Any]) -> tuple[bool, int, str]:
    """The same for the same files, in whatever order VOD lists them."""
    return file["is_narrowband"], file["height"], file["path"]
