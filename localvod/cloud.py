"""The one object that handlers, jobs and control endpoints share."""

import dataclasses
import logging
import shutil
import sqlite3
import threading
import time
from typing import Any

from localvod import clock, events, library, seeding
from localvod.cdn import MediaUrls
from localvod.errors import video_not_found
from localvod.faults import Faults
from localvod.jobs import Jobs
from localvod.limits import RateLimiter
from localvod.scrolls import Scrolls
from localvod.settings import Settings
from localvod.store import Database, videos
from localvod.store.notes import load_note, save_note
from localvod.store.videos import Video
from localvod.templates import groups

logger = logging.getLogger(__name__)


class Cloud:
    """VOD and CDN of one account: its state, its media, its running jobs."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.address = f"{settings.host}:{settings.port}"
        settings.media_root.mkdir(parents=True, exist_ok=True)
        self.database = Database(settings.database_path)
        self.urls = MediaUrls(
            settings.cdn_domain,
            settings.cdn_auth_key,
            settings.cdn_auth_ttl_seconds,
            grant_secret=settings.access_key_secret,
        )
        self.groups = groups(settings.standard_group, settings.narrowband_group)
        self.faults = Faults()
        self.limiter = RateLimiter()
        self.events = events.Events(self.database, self.faults)
        self.jobs = Jobs(self)
        self.database.after_commit = self._after_commit
        self.scrolls = Scrolls()
        self.nonces = Nonces()
        self.prepare()
        self._remove_purged()

    def prepare(self) -> None:
        """Load the catalogue and the faults; adopt settings that are new since the last start.

        What an operation changed (SetMessageCallback, SetAuditSecurityIp) outlives a restart with
        the same settings, and gives way to other ones.
        """
        with self.database.write() as tx:
            if self._is_new_setting(tx, "initial_callback", self._initial_callback()):
                save_note(tx, events.CALLBACK_NOTE, self._initial_callback())
            if self._is_new_setting(tx, "initial_review_ips", list(self.settings.review_ips)):
                self._list_review_ips(tx)
            self.catalogue = library.load_catalogue(tx, self.settings.cdn_domain)
            self.faults.set(load_note(tx, "faults", {}))

    def _is_new_setting(self, tx: sqlite3.Connection, name: str, value: Any) -> bool:
        """Whether a setting differs from that of the last start; it is noted."""
        is_new = bool(load_note(tx, name) != value)
        save_note(tx, name, value)
        return is_new

    def _remove_purged(self) -> None:
        """Free the disk of what deleted videos left, once no purge has to be waited for."""
        rows = self.database.read().execute(
            "SELECT object_key FROM objects JOIN deleted_videos ON deleted_videos.id = video_id "
            "WHERE purged_at <= ?",
            (time.time(),),
        )
        for row in rows:
            (self.settings.media_root / row["object_key"]).unlink(missing_ok=True)

    def _initial_callback(self) -> dict[str, Any]:
        url, key = self.settings.callback_url, self.settings.callback_key
        return dataclasses.asdict(events.CallbackConfig(url=url, key=key, is_signed=bool(key)))

    def _list_review_ips(self, tx: sqlite3.Connection) -> None:
        now = clock.now_text()
        row = ("Default", ",".join(self.settings.review_ips), now, now)
        tx.execute("INSERT OR REPLACE INTO security_groups VALUES (?, ?, ?, ?)", row)

    def _after_commit(self) -> None:
        self.events.wake()
        self.jobs.wake()

    def reset(self) -> None:
        """Forget every video, job, event and setting made since the start; the clock goes right."""
        self.jobs.abandon()
        clock.set_ahead(0)
        self.faults.clear()
        self.scrolls.clear()
        self.database.clear()
        shutil.rmtree(self.settings.media_root)
        self.settings.media_root.mkdir()
        self.prepare()

    def find_video(self, connection: sqlite3.Connection, video_id: str) -> Video | None:
        """A stored video, or one of the catalogue that nobody changed or deleted."""
        video = videos.find_stored(connection, video_id)
        if video is not None or self.catalogue is None:
            return video
        index = self.catalogue.index_of(video_id)
        if index is None or videos.stored_among(connection, [video_id]):
            return None
        return library.computed_video(self.catalogue.video(index), self.settings.standard_group)

    def video(self, connection: sqlite3.Connection, video_id: str) -> Video:
        """That video; InvalidVideo.NotFound when there is none."""
        video = self.find_video(connection, video_id)
        if video is None:
            raise video_not_found(video_id)
        return video

    def keep(self, tx: sqlite3.Connection, video: Video) -> Video:
        """Store a video of the catalogue with its snapshots and streams; others are stored."""
        if videos.find_stored(tx, video.id) is not None:
            return video
        return seeding.keep(self, tx, video)

    def change_video(self, tx: sqlite3.Connection, video: Video, **changes: Any) -> Video:
        """Change a video; one of the catalogue is stored first. Status follows stage and audit."""
        video = self.keep(tx, video)
        if {"stage", "audit_status"} & changes.keys():
            changes["status"] = videos.status_of(
                changes.get("stage", video.stage),
                changes.get("audit_status", video.audit_status),
                before_publish=self.settings.is_review_before_publish,
            )
            if changes["status"] == "Normal":
                # The CDN fetches the files again: no purge of before holds for the copies to come.
                tx.execute("UPDATE objects SET purged_at = NULL WHERE video_id = ?", (video.id,))
        return videos.change(tx, video, **changes)

    def tell_upload(self, tx: sqlite3.Connection, video: Video) -> None:
        """FileUploadComplete, with the Extend of the upload."""
        body: dict[str, Any] = {
            "VideoId": video.id,
            "Size": video.size,
            "FileUrl": self.urls.plain(video.source_key),
        }
        extend = events.extend_of(video.user_data)
        if extend:
            body["Extend"] = extend
        self.events.emit(tx, "FileUploadComplete", video.id, body, media_user_data=video.user_data)


class Nonces:
    """Signature nonces seen within the window in which a call's date is accepted."""

    def __init__(self, window_seconds: float = 1_800) -> None:
        self._window = window_seconds
        self._lock = threading.Lock()
        self._seen: dict[str, float] = {}

    def is_new(self, nonce: str, now: float) -> bool:
        """Remember a nonce; False when it was used before."""
        with self._lock:
            for old in list(self._seen):  # oldest first: dicts keep their order
                if self._seen[old] > now - self._window:
                    break
                del self._seen[old]
            if nonce in self._seen:
                return False
            self._seen[nonce] = now
            return True
