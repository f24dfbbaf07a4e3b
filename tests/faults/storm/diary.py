"""The operators' decisions with their answers, to compare with the end of the storm."""

import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field

NORMAL, BLOCKED = "Normal", "Blocked"
STRAY_SECONDS = 30.0


@dataclass(slots=True)
class Entry:
    """One decision; its comment is unique.

    Moments are `time.monotonic()`, except `tried_at` and `told_at`: unix seconds, as in the log.
    """

    operator: str  # the user name
    source: str  # "api" or "admin"
    vod_id: str
    decision: str
    comment: str
    started_at: float = field(default_factory=time.monotonic)
    answered_at: float | None = None  # of the answer "done"
    ended_at: float | None = None  # after the last try
    try_count: int = 0
    tried_at: float = 0.0  # the beginning of the last try
    told_at: float = 0.0  # of the answer "done"
    request_id: str = ""  # of the answer

    @property
    def was_answered(self) -> bool:
        return self.answered_at is not None

    def may_land_after(self, moment: float) -> bool:
        """Whether it may take effect after that; a broken request may outlive its client."""
        if self.ended_at is None:
            return True
        return self.ended_at + (STRAY_SECONDS if self.try_count > 1 else 0) >= moment


class Diary:
    """All decisions, and the other operations that were answered with "done"."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of_video: dict[str, list[Entry]] = defaultdict(list)
        self.entries: list[Entry] = []
        self.deleted: set[str] = set()
        self.transcode_request_ids: list[str] = []
        self.recommended_count = 0
        self.retry_count = 0

    def begin(self, operator: str, source: str, vod_id: str, decision: str, comment: str) -> Entry:
        entry = Entry(operator, source, vod_id, decision, comment)
        with self._lock:
            self.entries.append(entry)
            self._of_video[vod_id].append(entry)
        return entry

    @property
    def answered(self) -> list[Entry]:
        with self._lock:
            return [entry for entry in self.entries if entry.was_answered]

    def add(self, *, recommended: int = 0, retries: int = 0) -> None:
        with self._lock:
            self.recommended_count += recommended
            self.retry_count += retries

    def must_be_hidden(self, vod_id: str, *, since: float, until: float) -> bool:
        """Whether a list that was read between two moments must not show this video.

        True if a block was answered before, and each pass ended before that block began or began
        after the list was read.
        """
        with self._lock:
            entries = list(self._of_video[vod_id])
        blocks = [
            entry.started_at
            for entry in entries
            if entry.decision == BLOCKED and entry.answered_at and entry.answered_at < since
        ]
        if not blocks:
            return False
        passes = [entry for entry in entries if entry.decision == NORMAL]
        return any(
            all(item.started_at > until or not item.may_land_after(block) for item in passes)
            for block in blocks
        )
