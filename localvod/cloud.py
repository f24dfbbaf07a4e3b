"""The one object that operations, jobs and control endpoints share."""

import dataclasses
import shutil
import sqlite3
import threading
import time
from typing import Any

from localvod import clock
from localvod.cdn import MediaUrls
from localvod.events import CALLBACK_NOTE, CallbackConfig, Events
from localvod.faults import Faults
from localvod.folders import make_private
from localvod.job_queue import JobQueue
from localvod.limits import RateLimiter
from localvod.scrolls import Scrolls
from localvod.settings import Settings
from localvod.store import Database
from localvod.store.notes import load_note, save_note
from localvod.store.video_store import VideoStore
from localvod.store.videos import Video
from localvod.templates import groups
from localvod.user_data import extend_part


class Cloud:
    """VOD and CDN of one account: its state, its media, its jobs and events."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.address = f"{settings.host}:{settings.port}"
        make_private(settings.media_root)
        self.database = Database(settings.database_path)
        self.urls = MediaUrls(
            settings.cdn_domain,
            settings.cdn_auth_key,
            settings.cdn_auth_ttl_seconds,
            grant_secret=settings.access_key_secret,
        )
        self.groups = groups(settings.standard_group, settings.narrowband_group)
        self.videos = VideoStore(settings, self.groups, self.urls)
        self.faults = Faults()
        self.limiter = RateLimiter()
        self.events = Events(self.database, self.faults)
        self.jobs = JobQueue(self.database, settings.workers)
        self.database.after_commit = self._after_commit
        self.scrolls = Scrolls()
        self.nonces = Nonces()
        self._load_state()
        self._remove_purged_files()

    def _load_state(self) -> None:
        """Load the catalogue and the faults, and apply changed settings.

        Operations change settings too (SetMessageCallback, SetAuditSecurityIp). Their values
        outlive a restart with the same settings; a restart with other settings replaces them.
        """
        with self.database.transaction() as tx:
            if self._is_changed(tx, "initial_callback", self._initial_callback()):
                save_note(tx, CALLBACK_NOTE, self._initial_callback())
            if self._is_changed(tx, "initial_review_ips", list(self.settings.review_ips)):
                now = clock.now_text()
                row = ("Default", ",".join(self.settings.review_ips), now, now)
                tx.execute("INSERT OR REPLACE INTO security_groups VALUES (?, ?, ?, ?)", row)
            self.videos.load_catalogue(tx)
            self.faults.set(load_note(tx, "faults", {}))

    def _is_changed(self, tx: sqlite3.Connection, name: str, value: Any) -> bool:
        """Save a setting; True if it differs from the value of the last start."""
        is_changed = bool(load_note(tx, name) != value)
        save_note(tx, name, value)
        return is_changed

    def _initial_callback(self) -> dict[str, Any]:
        url, key = self.settings.callback_url, self.settings.callback_key
        return dataclasses.asdict(CallbackConfig(url=url, key=key, is_signed=bool(key)))

    def _remove_purged_files(self) -> None:
        """Remove the purged files of deleted videos from the disk."""
        rows = self.database.reader().execute(
            "SELECT object_key FROM objects JOIN deleted_videos ON deleted_videos.id = video_id "
            "WHERE purged_at <= ?",
            (time.time(),),
        )
        for row in rows:
            (self.settings.media_root / row["object_key"]).unlink(missing_ok=True)

    def _after_commit(self) -> None:
        self.events.send_new()
        self.jobs.submit_new()

    def reset(self) -> None:
        """Delete all videos, jobs, events and changed settings, and reset the clock."""
        self.jobs.restart()
        clock.set_ahead(0)
        self.scrolls.clear()
        self.database.clear()
        shutil.rmtree(self.settings.media_root)
        self.settings.media_root.mkdir()
        self._load_state()

    def emit_upload(self, tx: sqlite3.Connection, video: Video) -> None:
        """Emit FileUploadComplete, with the Extend of the upload."""
        body: dict[str, Any] = {
            "VideoId": video.id,
            "Size": video.size,
            "FileUrl": self.urls.plain(video.source_key),
            **extend_part(video.user_data),
        }
        self.events.emit(tx, "FileUploadComplete", video, body)


class Nonces:
    """Signature nonces of the last half hour; the date of a call may differ by 15 minutes."""

    def __init__(self, window_seconds: float = 1_800) -> None:
        self._window = window_seconds
        self._lock = threading.Lock()
        self._seen: dict[str, float] = {}

    def remember(self, nonce: str, now: float) -> bool:
        """Remember a nonce; False if it was used before."""
        with self._lock:
            for old in list(self._seen):  # oldest first: dicts keep their order
                if self._seen[old] > now - self._window:
                    break
                del self._seen[old]
            if nonce in self._seen:
                return False
            self._seen[nonce] = now
            return True
