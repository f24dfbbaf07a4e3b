"""The operators of the storm: they decide, reverse, recommend, transcode, delete and retry."""

import random
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from tests.faults.storm.clients import AdminClient, ApiClient, Refused, Unanswered
from tests.faults.storm.diary import BLOCKED, NORMAL, Diary, Entry
from tests.faults.storm.tasks import Task

T = TypeVar("T")
PATIENCE_SECONDS = 120.0  # an operation is tried for this long
PAUSE_SECONDS = 0.3
REASON = "seen by a person"


class Operator(Task):
    """Takes decisions, spread over `seconds`, until `quota` of them were answered.

    `name` is the user name. An operator with an `AdminClient` decides in the admin. All other
    operations use the API.
    """

    def __init__(
        self,
        name: str,
        decider: ApiClient | AdminClient,
        api: ApiClient,
        diary: Diary,
        videos: Sequence[str],
        *,
        quota: int,
        seconds: float,
        deletions: int,
        seed: str,
    ) -> None:
        super().__init__(name)
        self._decider, self._api, self._diary = decider, api, diary
        self._source = "admin" if isinstance(decider, AdminClient) else "api"
        self._videos = list(videos)
        self._quota, self._pace = quota, seconds / quota
        self._deletions_left = deletions
        self._random = random.Random(seed)
        self._last: dict[str, str] = {}  # this operator's last decision, by video
        self._number = 0

    def work(self) -> None:
        answered = 0
        while answered < self._quota and not self.stopping.is_set():
            began_at = time.monotonic()
            if not self._decide(self._random.choice(self._videos)):
                continue  # the decision stands already, or the video is deleted
            answered += 1
            self._do_something_else()
            rest = self._pace * self._random.uniform(0.5, 1.3) - (time.monotonic() - began_at)
            self.stopping.wait(max(0.0, rest))

    def _decide(self, vod_id: str) -> bool:
        """Whether the decision was answered with "done"."""
        reverse = NORMAL if self._last.get(vod_id) == BLOCKED else BLOCKED
        decision = reverse if self._random.random() < 0.7 else NORMAL
        self._number += 1
        comment = f"{self.name} {self._number}"
        self._last[vod_id] = decision
        entry = self._diary.begin(self.name, self._source, vod_id, decision, comment)
        try:
            request_id = self._insist(lambda: self._try(entry))
        except Refused:
            request_id = None
        finally:
            entry.ended_at = time.monotonic()
        if request_id is None:
            return False
        entry.request_id, entry.told_at = request_id, time.time()
        entry.answered_at = time.monotonic()
        return True

    def _try(self, entry: Entry) -> str:
        entry.try_count += 1
        entry.tried_at = time.time()
        reason = REASON if entry.decision == BLOCKED else ""
        return self._decider.decide(entry.vod_id, entry.decision, reason, entry.comment)

    def _do_something_else(self) -> None:
        chance = self._random.random()
        vod_id = self._random.choice(self._videos)
        if chance < 0.25:
            passed = [name for name, decision in self._last.items() if decision == NORMAL]
            self._recommend(self._random.choice(passed or self._videos))
        elif chance < 0.40:
            self._transcode(vod_id)
        elif chance < 0.45 and self._deletions_left:
            self._deletions_left -= 1
            self._delete(vod_id)

    def _recommend(self, vod_id: str) -> None:
        extras = {"isNarrow": "true", "isCache": "true"} if self._random.random() < 0.3 else {}
        if self._attempt("recommendVideo", videoId=vod_id, **extras) is not None:
            self._diary.add(recommended=1)

    def _transcode(self, vod_id: str) -> None:
        operation = self._random.choice(("submitTranscode", "submitTabTranscode"))
        request_id = self._attempt(operation, mediaId=vod_id)
        if request_id is not None:
            self._diary.transcode_request_ids.append(request_id)

    def _delete(self, vod_id: str) -> None:
        if self._attempt("deleteVideoById", videoId=vod_id, userId="") is not None:
            self._diary.deleted.add(vod_id)

    def _attempt(self, operation: str, **parameters: str) -> str | None:
        """The request id of the answer "done"; None if the operation was refused."""
        try:
            answer = self._insist(lambda: self._api.call("POST", operation, **parameters))
        except Refused:
            return None
        return None if answer is None else answer["requestId"]

    def _insist(self, step: Callable[[], T]) -> T | None:
        """Try until there is an answer; None after PATIENCE_SECONDS."""
        ends_at = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < ends_at and not self.stopping.is_set():
            try:
                return step()
            except Unanswered:
                self._diary.add(retries=1)
                self.stopping.wait(PAUSE_SECONDS)
        return None
