"""All videos of the account: stored rows, and those that a catalogue computes."""

import sqlite3
from collections.abc import Mapping
from typing import Any

from localvod.catalogue import Catalogue
from localvod.cdn import MediaUrls
from localvod.errors import video_not_found
from localvod.settings import Settings
from localvod.store.media_rows import insert_computed_images, insert_computed_streams
from localvod.store.notes import load_note, save_note
from localvod.store.videos import (
    READY,
    Video,
    find_stored_video,
    insert_video,
    known_ids,
    stage_of,
    status_of,
    update_video,
)
from localvod.templates import TemplateGroup

_CATALOGUE_NOTE = "catalogue"


class VideoStore:
    """Finds and changes videos. A video of the catalogue is stored before its first change."""

    def __init__(
        self, settings: Settings, groups: Mapping[str, TemplateGroup], urls: MediaUrls
    ) -> None:
        self._settings = settings
        self._groups = groups
        self._urls = urls
        self.catalogue: Catalogue | None = None

    def load_catalogue(self, connection: sqlite3.Connection) -> None:
        """Load the catalogue of an earlier `set_catalogue`, if there is one."""
        note = load_note(connection, _CATALOGUE_NOTE)
        self.catalogue = (
            Catalogue(note["count"], note["seed"], media_host=self._settings.cdn_domain)
            if note
            else None
        )

    def set_catalogue(self, tx: sqlite3.Connection, count: int, seed: int) -> None:
        """Compute `count` videos beside the stored ones; 0 removes them."""
        save_note(tx, _CATALOGUE_NOTE, {"count": count, "seed": seed} if count else None)
        self.load_catalogue(tx)

    def find(self, connection: sqlite3.Connection, video_id: str) -> Video | None:
        video = find_stored_video(connection, video_id)
        if video is not None or self.catalogue is None:
            return video
        index = self.catalogue.index_of(video_id)
        if index is None or known_ids(connection, [video_id]):
            return None
        return _video_from(self.catalogue.video(index), self._settings.standard_group)

    def get(self, connection: sqlite3.Connection, video_id: str) -> Video:
        """Like `find`, but raises InvalidVideo.NotFound."""
        video = self.find(connection, video_id)
        if video is None:
            raise video_not_found(video_id)
        return video

    def ensure_stored(self, tx: sqlite3.Connection, video: Video) -> Video:
        """Store a video of the catalogue with its snapshots and streams; a stored video stays."""
        if find_stored_video(tx, video.id) is None:
            insert_video(tx, video)
            insert_computed_images(tx, video, self._urls)
            if video.stage == READY:
                insert_computed_streams(tx, video, self._groups[video.template_group_id].templates)
        return video

    def change(self, tx: sqlite3.Connection, video: Video, **changes: Any) -> Video:
        """Write the named columns; the status follows from stage and audit status."""
        video = self.ensure_stored(tx, video)
        if {"stage", "audit_status"} & changes.keys():
            changes["status"] = status_of(
                changes.get("stage", video.stage),
                changes.get("audit_status", video.audit_status),
                before_publish=self._settings.is_review_before_publish,
            )
            if changes["status"] == "Normal":
                # The CDN fetches the files again: an earlier purge does not close the new copies.
                tx.execute("UPDATE objects SET purged_at = NULL WHERE video_id = ?", (video.id,))
        return update_video(tx, video, **changes)


def _video_from(row: Mapping[str, Any], template_group_id: str) -> Video:
    """The video of a catalogue's row."""
    return Video(
        id=row["VideoId"],
        title=row["Title"],
        description=row["Description"],
        tags=row["Tags"],
        cate_id=row["CateId"],
        cover_url=row["CoverURL"],
        status=row["Status"],
        template_group_id=template_group_id,
        stage=stage_of(row["Status"]),
        audit_status=row.get("AuditStatus"),
        size=row["Size"],
        duration=row["Duration"],
        width=540,
        height=960,
        fps=30.0,
        bitrate=800,
        creation_time=row["CreationTime"],
        modification_time=row["ModificationTime"],
        storage_location=row["StorageLocation"],
        app_id=row["AppId"],
        reference_id=row["ReferenceId"],
        user_data=row["UserData"],
        file_name="source.mp4",
        source_version=1,
        is_ingested=1,
        snapshots=tuple(row["Snapshots"]),
        sprites=tuple(row["SpriteSnapshots"]),
    )
