"""The system of the property tests: this process, its database, a localvod, and one clock."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import orjson
from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction
from django.db.models import Model
from django.test import Client
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
from tests.fixtures_flush import empty_tables
from tests.localvod.media import make_clip
from tests.support.console import Console
from tests.support.localvod import ACCESS_KEY_ID, ACCESS_KEY_SECRET, LocalVod
from videos import sync
from videos.models import Video

# Tables that outlive an example: permissions, operators and sessions.
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
        """Empty both sides and reset the clock."""
        self.vod.reset()
        self.clock.set_right()
        self.empty()

    def empty(self) -> None:
        """Delete all facts and decisions here."""
        cache.clear()
        tables = connection.introspection.django_table_names(only_existing=True)
        with transaction.atomic():
            empty_tables("default", [name for name in tables if not name.startswith(KEPT)])

    # What happens in VOD.

    def upload(self, **facts: Any) -> str:
        """Upload a clip as an app does; VOD emits an event."""
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
        """Upload a file and wait until VOD has processed it."""
        with Uploader(self.vod.endpoint, ACCESS_KEY_ID, ACCESS_KEY_SECRET) as app:
            vod_id = app.upload(self._source, title="Noodles", tags=tags)
        self.vod.idle()
        return vod_id

    def upload_again(self, vod_id: str) -> int:
        """Upload another file under the same id. Returns its unique size."""
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
        """Deliver an event. Returns the HTTP status of the answer."""
        timestamp = str(int(self.clock.now().timestamp() - age_seconds))
        signature = sign(settings.VOD_CALLBACK_URL, timestamp, key or settings.VOD_CALLBACK_KEY)
        headers = {"X-VOD-TIMESTAMP": timestamp, "X-VOD-SIGNATURE": signature}
        content = orjson.dumps(body)
        answer = self._callback.post(
            CALLBACK, content, content_type="application/json", headers=headers
        )
        return answer.status_code

    def act(self, action: str, row: Model, **fields: Any) -> bool:
        """Do an action of the desk to a row. Returns whether it was done."""
        # Without the report of an earlier action, which no page has shown.
        self.desk.client.cookies.pop("messages", None)
        return self.desk.do(action, row, **fields).startswith("1 of 1")

    def schedule(
        self, item: Recommendation, *, starts_at: datetime | None, ends_at: datetime | None
    ) -> None:
        """Set the begin and end of an item at the desk; None is no bound."""
        data: dict[str, str] = {}
        for name, moment in (("starts_at", starts_at), ("ends_at", ends_at)):
            shown = f"{localtime(moment):%Y-%m-%d %H:%M:%S}" if moment else " "
            data[f"{name}_0"], _, data[f"{name}_1"] = shown.partition(" ")
        answer = self.desk.edit(item, **data)
        assert answer.status_code == 302, answer.content.decode()

    # What the worker does.

    def work(self) -> int:
        """Send one batch of each due kind, then run the periodic tasks."""
        return work_once()

    def work_until_idle(self) -> None:
        """Let time pass until no delivery is open."""
        for _ in range(MOST_ROUNDS):
            if not self.work():
                waiting = Delivery.objects.open().order_by("due_at").first()
                if waiting is None:
                    return
                self.clock.go_on(max(1.0, (waiting.due_at - self.clock.now()).total_seconds()))
                self.pass_leases()
        left = list(Delivery.objects.open().values("kind", "subject", "state", "error"))
        raise AssertionError(f"These deliveries stay open: {left}")

    def pass_leases(self) -> None:
        """Let all leases and the pauses of lanes end."""
        ends = [*Delivery.objects.open().values_list("lease_until", flat=True)]
        ends += Lane.objects.values_list("paused_until", flat=True)
        longest = max((end for end in ends if end), default=self.clock.now())
        self.clock.go_on(max(0.0, (longest - self.clock.now()).total_seconds()) + 1)

    def claim(self, kind: str) -> list[Delivery]:
        """Claim the due deliveries as a worker does that dies then."""
        return leases.claim(kind, limit=10, now=self.clock.now())

    def sync(self, how: str, vod_ids: Iterable[str] = ()) -> bool:
        """Walk the catalogue (`full`, `changes`) or read single videos. False if it failed."""
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
