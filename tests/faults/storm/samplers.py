"""Two samplers that check all the time that no blocked video is published."""

import time

from tests.faults.storm.clients import ApiClient, Refused, Unanswered
from tests.faults.storm.diary import Diary
from tests.faults.storm.observer import Observer, ObserverError
from tests.faults.storm.tasks import Task

PAUSE_SECONDS = 0.1


class Sampler(Task):
    """Looks until it is stopped: `count` looks with an answer and `missed` without."""

    def __init__(self) -> None:
        super().__init__(type(self).__name__)
        self.count = self.missed = self.most_shown = 0
        self.violations: list[str] = []

    def work(self) -> None:
        while not self.stopping.wait(PAUSE_SECONDS):
            self._sample()

    def _sample(self) -> None:
        try:
            self.violations += self.look()
            self.count += 1
        except (ObserverError, Unanswered):
            self.missed += 1

    def look(self) -> list[str]:
        """The videos that are shown although they are blocked."""
        raise NotImplementedError


class DatabaseSampler(Sampler):
    """Compares the published list with the log of decisions, inside one statement."""

    def __init__(self, observer: Observer) -> None:
        super().__init__()
        self._observer = observer

    def look(self) -> list[str]:
        found: list[str] = self._observer.ask("blocked_and_published")
        return found


class ApiSampler(Sampler):
    """Reads the recommended list as apps do, and compares it with the answered decisions."""

    def __init__(self, api: ApiClient, diary: Diary) -> None:
        super().__init__()
        self._api, self._diary = api, diary

    def look(self) -> list[str]:
        since = time.monotonic()
        shown: list[str] = []
        page, total = 1, 1
        while len(shown) < total and page < 100:
            try:
                data = self._api.call(
                    "GET", "getRecommendVideos", pageIndex=str(page), pageSize="100"
                )["data"]
            except Refused as error:
                raise AssertionError(f"The list was refused: {error}") from error
            shown += [item["videoId"] for item in data["videoList"]]
            total = data["total"] if data["videoList"] else 0
            page += 1
        until = time.monotonic()
        self.most_shown = max(self.most_shown, len(shown))
        hidden = self._diary.must_be_hidden
        return [vod_id for vod_id in shown if hidden(vod_id, since=since, until=until)]
