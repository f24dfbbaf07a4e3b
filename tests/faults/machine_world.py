"""The system under the properties: this process, its database, a localvod, and one time for all."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import orjson
from django.conf import settings
from django.core.cache import cache
from django.core.management.color import no_style
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils.timezone import localtime

from localvod.uploader import Uploader
from recommendations.models import Recommendation
from shortvideo.cloud import CloudError
from shortvideo.cloud.events import sign
from shortvideo.outbox import leases
from shortvideo.outbox.models import Delivery, Lane
from shortvideo.outbox.worker import work_once
from tests.admin.conftest import Desk
from tests.faults.machine_clock import Clock
from tests.localvod.media import make_clip
from tests.support.console import Console
from tests.support.localvod import ACCESS_KEY_ID, ACCESS_KEY_SECRET, LocalVod
from videos import sync
from videos.models import Video, append_only

# What outlives an example: who may do what, and who is logged in.
KEPT: Final = (
    "auth_", "django_content_type", "django_migrations", "django_session", "accounts_operator",
    "accounts_consoletoken",
)  # fmt: skip
CALLBACK: Final = "/vodcallback/callback"
MOST_ROUNDS: Final = 200  # of the worker, until nothing is left to do
NO_TRANSCODE: Final = "VOD_NO_TRANSCODE"


class World:
    def __init__(self, vod: LocalVod, console: Console, desk: Desk, folder: Path) -> None:
        self.vod, self.console, self.desk = vod, console, desk
        self.clock = Clock(vod)
        self._numbers = itertools.count(1)
        self._callback = Client()
        self._source = make_clip(folder / "clip.mp4", size="64x64", seconds=1)

    def reset(self) -> None:
        """Empty both sides, and set the time right."""
        self.vod.reset()
        self.clock.set_right()
        self.empty()

    def empty(self) -> None:
        """Forget here all that VOD has ever told, and what was decided."""
        cache.clear()
        tables = connection.introspection.django_table_names(only_existing=True)
        emptied = [name for name in tables if not name.startswith(KEPT)]
        statements = connection.ops.sql_flush(no_style(), emptied)
        with append_only.suspended():
            connection.ops.execute_sql_flush(statements)

    # What happens in VOD.

    def upload(self, **facts: Any) -> str:
        """A clip that an app has uploaded; VOD tells of it."""
        number = next(self._numbers)
        return self.vod.seed(
            id=f"{number:032x}",
            title=f"Clip {number}",
            tags="snapshots:off",
            size=1_000_000 + number,
            template_group_id=NO_TRANSCODE,
            snapshots=2,
            files=False,
            announce=True,
            **facts,
        )

    def upload_file(self, tags: Sequence[str]) -> str:
        """A clip with all that VOD makes of a file; returns once it is made."""
        with Uploader(self.vod.endpoint, ACCESS_KEY_ID, ACCESS_KEY_SECRET) as app:
            vod_id = app.upload(self._source, title="Noodles", tags=tags)
        self.vod.idle()
        return vod_id

    def upload_again(self, vod_id: str) -> int:
        """Another file under the same id; returns its size, which no other has."""
        number = next(self._numbers)
        content = self._source.read_bytes() + b"\0" * number
        path = self._source.with_name(f"again-{number}.mp4")
        path.write_bytes(content)
        with Uploader(self.vod.endpoint, ACCESS_KEY_ID, ACCESS_KEY_SECRET) as app:
            app.resume(vod_id, path)
        path.unlink()
        self.vod.idle()
        return len(content)

    # What reaches this server.

    def tell(self, body: Mapping[str, Any], *, key: str = "", age_seconds: float = 0) -> int:
        """Deliver an event; returns the HTTP status of the answer."""
        timestamp = str(int(self.clock.now().timestamp() - age_seconds))
        signature = sign(settings.VOD_CALLBACK_URL, timestamp, key or settings.VOD_CALLBACK_KEY)
        headers = {"X-VOD-TIMESTAMP": timestamp, "X-VOD-SIGNATURE": signature}
        content = orjson.dumps(body)
        answer = self._callback.post(
            CALLBACK, content, content_type="application/json", headers=headers
        )
        return answer.status_code

    def act(self, action: str, row: Model, **fields: Any) -> bool:
        """Whether an action of the desk was done to a row."""
        # A report that no page has shown yet would be read once more.
        self.desk.client.cookies.pop("messages", None)
        return self.desk.do(action, row, **fields).startswith("1 of 1")

    def schedule(
        self, item: Recommendation, *, starts_at: datetime | None, ends_at: datetime | None
    ) -> None:
        """Set the item's time on the desk; None is no bound."""
        data: dict[str, str] = {}
        for name, moment in (("starts_at", starts_at), ("ends_at", ends_at)):
            shown = f"{localtime(moment):%Y-%m-%d %H:%M:%S}" if moment else " "
            data[f"{name}_0"], _, data[f"{name}_1"] = shown.partition(" ")
        url = reverse("admin:recommendations_recommendation_change", args=[item.pk])
        answer = self.desk.client.post(url, data)
        assert answer.status_code == 302, answer.content.decode()

    # What the worker does.

    def work(self) -> int:
        """One batch of each kind that is due, then what comes round."""
        return work_once()

    def work_until_idle(self) -> None:
        """Let time pass until nothing is left to be sent."""
        for _ in range(MOST_ROUNDS):
            if not self.work():
                waiting = Delivery.objects.open().order_by("due_at").first()
                if waiting is None:
                    return
                self.clock.go_on(max(1.0, (waiting.due_at - self.clock.now()).total_seconds()))
                self.pass_leases()
        left = list(Delivery.objects.open().values("kind", "subject", "state", "error"))
        raise AssertionError(f"The worker comes to no end: {left}")

    def pass_leases(self) -> None:
        """Let the leases end of whoever is gone, and the pauses of lanes."""
        ends = [*Delivery.objects.open().values_list("lease_until", flat=True)]
        ends += Lane.objects.values_list("paused_until", flat=True)
        longest = max((end for end in ends if end), default=self.clock.now())
        self.clock.go_on(max(0.0, (longest - self.clock.now()).total_seconds()) + 1)

    def claim(self, kind: str) -> list[Delivery]:
        """Take what is due as a worker does that will not come back."""
        return leases.claim(kind, limit=10, now=self.clock.now())

    def sync(self, how: str, vod_ids: Iterable[str] = ()) -> bool:
        """Walk the catalogue (`full`, `changes`) or read single videos; whether it came through."""
        with suppress(CloudError):
            if how == "single":
                tallies = list(sync.sync_ids(list(vod_ids)))
                return not any(tally.problems for tally in tallies)
            for _ in sync.walk(sync.resume_or_start(is_full=how == "full")):
                pass
            return True
        return False

    # What shows.

    def row(self, vod_id: str) -> Video | None:
        return Video.objects.select_related("uploader").filter(vod_id=vod_id).first()
