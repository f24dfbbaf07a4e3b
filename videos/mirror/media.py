"""Media of a video: its files, the uploaded file, and whether there are snapshots."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from django.db import transaction

from shortvideo.cloud.types import SourceStatus, StreamFile
from videos.mirror.facts import fit_column
from videos.mirror.reading import Reading
from videos.models import SnapshotStatus, Video
from videos.models.media import FILE_FIELDS, MEDIA_FIELDS, media_named_by
from videos.models.video import MAX_FURTHER_MEDIA
from videos.services import takedown

MEDIA_BEFORE: Final = (*MEDIA_FIELDS, "further_media", "source_version")


def copy_media(video: Video, reading: Reading) -> None:
    """Copy the media of a fresh reading to the row; equal files leave `files_read_at` as it is.

    An empty path of a source means that VOD does not tell it, unless the source is deleted.
    """
    source = reading.source
    if source is not None and (source.path or source.status == SourceStatus.DELETED):
        video.source_path = fit_column("source_path", source.path)
    if reading.files is not None and not _has_newer_files(video, reading):
        files = sorted((file_as_json(file) for file in reading.files), key=file_order)
        if files != video.files or video.files_read_at is None:
            video.files, video.files_read_at = files, reading.facts.read_at
    if reading.snapshots_failed and not video.snapshots:
        video.snapshot_status = SnapshotStatus.FAIL


def remember_pictures(video: Video, paths: Iterable[str]) -> bool:
    """Remember pictures that the row does not name, in memory; returns whether there are any.

    Apps may know them, so a takedown must purge them. They drop no media that are remembered.
    """
    known = {item["path"] for item in video.media}
    room = MAX_FURTHER_MEDIA - len(video.further_media)
    new = [path for path in dict.fromkeys(paths) if path not in known][: max(room, 0)]
    video.remember_media({"kind": "snapshot", "path": path} for path in new)
    return bool(new)


@transaction.atomic
def write_reported_pictures(vod_id: str, paths: Sequence[str]) -> None:
    """Write pictures that an event reports; of a blocked or deleted video they are purged.

    VOD lists the latest snapshot job only, and none of a video that it has deleted.
    """
    video = Video.objects.select_for_update().filter(vod_id=vod_id).first() if paths else None
    if video is None:
        return
    before = _media_of(video)
    if remember_pictures(video, paths):
        video.save(update_fields=["further_media"])
        take_down_if_new(video, before)


def keep_dropped_media(video: Video, before: Mapping[str, Any]) -> None:
    """Remember media that a reading has dropped: apps know them, so a takedown must purge them.

    `before` has the earlier values of the fields. Media of an earlier source are forgotten: they
    are purged when the source is replaced.
    """
    if video.source_version != before["source_version"]:
        video.further_media = []
        return
    paths = {item["path"] for item in video.media_now}
    if dropped := [item for item in media_named_by(before) if item["path"] not in paths]:
        video.remember_media(dropped)


@transaction.atomic
def write_files_of_deleted_video(reading: Reading, *, source_version: int) -> None:
    """Write the files of a deleted video, and nothing else. Files that are new here are purged.

    Do nothing if the row's source has changed since VOD was asked (`source_version`).
    """
    deleted = Video.objects.exclude(deleted_at=None).filter(source_version=source_version)
    video = deleted.select_for_update().filter(vod_id=reading.facts.vod_id).first()
    if video is None:
        return
    before = _media_of(video)
    copy_media(video, reading)
    keep_dropped_media(video, before)
    remember_pictures(video, reading.pictures or ())
    video.save(update_fields=["source_path", "files", "files_read_at", "further_media"])
    take_down_if_new(video, before)


def _media_of(video: Video) -> dict[str, Any]:
    return {name: getattr(video, name) for name in MEDIA_BEFORE}


def names_new_files(files: Iterable[StreamFile], video: Video) -> bool:
    """Whether there is a stream among these that the row does not know."""
    return not {file.path for file in files} <= {item["path"] for item in video.media}


def take_down_if_new(video: Video, before: Mapping[str, Any], *, is_backlog: bool = False) -> None:
    """Purge and prove media that came to a closed video, which is saved already.

    `before` has the earlier values of the fields.
    """
    if not video.is_closed:
        return
    known = {item["path"] for item in (*media_named_by(before), *before["further_media"])}
    if not known.issuperset(item["path"] for item in video.media):
        takedown.take_down_new_media(video, is_backlog=is_backlog)


def _has_newer_files(video: Video, reading: Reading) -> bool:
    return video.files_read_at is not None and video.files_read_at > reading.facts.read_at


def file_as_json(file: StreamFile) -> dict[str, Any]:
    """Return an item of `Video.files`."""
    created_at = file.creation_time.isoformat() if file.creation_time is not None else ""
    return {**{name: getattr(file, name) for name in FILE_FIELDS}, "created_at": created_at}


def file_order(file: Mapping[str, Any]) -> tuple[bool, int, str]:
    """Return a sort key, so that VOD's order of the files makes no difference."""
    return file["is_narrowband"], file["height"], file["path"]
