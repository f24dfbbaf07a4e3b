"""The one object that handlers, jobs and control endpoints share."""

import dataclasses
import logging
import shutil
import sqlite3
import threading
import time
from typing import Any

from localvod import clock, events
from localvod.cdn import MediaUrls
from localvod.faults import Faults
from localvod.job_queue import JobQueue
from localvod.limits import RateLimiter
from localvod.scrolls import Scrolls
from localvod.settings import Settings
from localvod.store import Database
from localvod.store.notes import load_note, save_note
from localvod.store.video_store import VideoStore
from localvod.store.videos import Video
from localvod.templates import groups
from localvod.user_data import extend_of

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
        self.videos = VideoStore(settings, self.groups, self.urls)
        self.faults = Faults()
        self.limiter = RateLimiter()
        self.events = events.Events(self.database, self.faults)
        self.jobs = JobQueue(self.database, settings.workers)
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
            self.videos.load_catalogue(tx)
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
        self.jobs.submit_new()

    def reset(self) -> None:
        """Forget every video, job, event and setting made since the start; the clock goes right."""
        self.jobs.restart()
        clock.set_ahead(0)
        self.faults.clear()
        self.scrolls.clear()
        self.database.clear()
        shutil.rmtree(self.settings.media_root)
        self.settings.media_root.mkdir()
        self.prepare()

    def emit_upload(self, tx: sqlite3.Connection, video: Video) -> None:
        """FileUploadComplete, with the Extend of the upload."""
        body: dict[str, Any] = {
            "VideoId": video.id,
            "Size": video.size,
            "FileUrl": self.urls.plain(video.source_key),
        }
        extend = extend_of(video.user_data)
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
