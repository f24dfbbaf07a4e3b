"""Event notifications: which are queued for which URL, and their sender."""

import asyncio
import hashlib
import json
import logging
import sqlite3
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from localvod import clock
from localvod.faults import Faults
from localvod.store import CommitFlag, Database
from localvod.store.database import insert, update
from localvod.store.notes import load_note
from localvod.store.videos import Video
from localvod.user_data import callback_url

_ATTEMPTS = 3
_PAUSE_SECONDS = 1.0
_ANSWER_SECONDS = 5.0
_CONCURRENT_SENDERS = 32
_AI_EVENTS = frozenset({"AIMediaAuditComplete"})
CALLBACK_NOTE = "callback"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CallbackConfig:
    """The callback configuration; `event_types` is empty (none), `ALL`, or comma separated."""

    url: str = ""
    key: str = ""
    is_signed: bool = False
    event_types: str = "ALL"
    callback_type: str = "HTTP"
    app_id: str = "app-1000000"
    mns_endpoint: str = ""
    mns_queue_name: str = ""

    def wants(self, event_type: str) -> bool:
        name = "AIComplete" if event_type in _AI_EVENTS else event_type
        chosen = {part.strip() for part in self.event_types.split(",")}
        return self.callback_type == "HTTP" and bool(self.url) and bool({name, "ALL"} & chosen)


def load_config(connection: sqlite3.Connection) -> CallbackConfig:
    return CallbackConfig(**load_note(connection, CALLBACK_NOTE, {}))


class Events:
    """Queues events in the transaction that causes them, and sends them after its commit."""

    def __init__(self, database: Database, faults: Faults) -> None:
        self._database = database
        self._faults = faults
        self._has_work: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._in_flight: set[int] = set()
        self._lock = threading.Lock()
        self._has_new = CommitFlag()

    def emit(
        self,
        tx: sqlite3.Connection,
        event_type: str,
        video: Video,
        body: Mapping[str, Any],
        *,
        job_user_data: str = "",
        status: str | None = "success",
    ) -> None:
        """Queue an event if the callback configuration asks for its type.

        Its URL is the first of: the job's, the upload's, the configured one.
        """
        config = load_config(tx)
        if not config.wants(event_type):
            return
        head: dict[str, Any] = {"EventTime": _event_time(event_type), "EventType": event_type}
        if status is not None:
            head["Status"] = status
        url = callback_url(job_user_data) or callback_url(video.user_data) or config.url
        self.queue(tx, event_type, video.id, url, {**head, **body})

    def queue(
        self,
        tx: sqlite3.Connection,
        event_type: str,
        media_id: str,
        url: str,
        body: Mapping[str, Any],
    ) -> None:
        """Queue a finished body for a URL; it is sent after the commit."""
        event = {
            "event_type": event_type,
            "media_id": media_id,
            "url": url,
            "body": json.dumps(body, ensure_ascii=False),
            "state": "waiting",
            "creation_time": clock.now_text(),
        }
        insert(tx, "events", event)
        self._has_new.is_set = True

    def send_new(self) -> None:
        """Wake the sender if a transaction queued events; for any thread, after each commit."""
        if not self._has_new.take():
            return
        if self._loop is not None and self._has_work is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._has_work.set)

    def waiting_count(self) -> int:
        rows = self._database.reader().execute(
            "SELECT count(*) FROM events WHERE state = 'waiting'"
        )
        return int(rows.fetchone()[0])

    async def send_forever(self) -> None:
        """Send waiting events, also those of an earlier process, until cancelled."""
        self._loop, self._has_work = asyncio.get_running_loop(), asyncio.Event()
        places = asyncio.Semaphore(_CONCURRENT_SENDERS)
        timeout = httpx.Timeout(_ANSWER_SECONDS)
        async with (
            httpx.AsyncClient(timeout=timeout, trust_env=False) as client,
            asyncio.TaskGroup() as tasks,
        ):
            while True:
                for event in await asyncio.to_thread(self._claim_waiting):
                    tasks.create_task(self._send(client, places, event))
                await self._has_work.wait()
                self._has_work.clear()

    def _claim_waiting(self) -> list[sqlite3.Row]:
        # Read inside the lock: an event read before it can be delivered and released by now.
        with self._lock:
            rows = self._database.reader().execute(
                "SELECT * FROM events WHERE state = 'waiting' ORDER BY id"
            )
            claimed = [row for row in rows if row["id"] not in self._in_flight]
            self._in_flight.update(row["id"] for row in claimed)
        return claimed

    async def _send(
        self, client: httpx.AsyncClient, places: asyncio.Semaphore, event: sqlite3.Row
    ) -> None:
        copies, delay = self._faults.for_callback()
        await asyncio.sleep(delay)
        state, attempts, error = "dropped", 0, "dropped by a fault"
        async with places:
            for _ in range(copies):
                state, attempts, error = await self._send_copy(client, event)
        await asyncio.to_thread(self._record_outcome, event["id"], state, attempts, error)

    async def _send_copy(
        self, client: httpx.AsyncClient, event: sqlite3.Row
    ) -> tuple[str, int, str]:
        """Send until an attempt succeeds; returns state, count of attempts and last error."""
        error = ""
        for attempt in range(1, _ATTEMPTS + 1):
            error = await self._attempt(client, event)
            if not error:
                return "delivered", attempt, ""
            if attempt < _ATTEMPTS:
                await asyncio.sleep(_PAUSE_SECONDS)
        logger.warning("event dropped: %s for %s: %s", event["event_type"], event["url"], error)
        return "dropped", _ATTEMPTS, error

    async def _attempt(self, client: httpx.AsyncClient, event: sqlite3.Row) -> str:
        """Send once; returns the error, or '' after an answer with status 200."""
        url = event["url"]
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                headers = await asyncio.to_thread(self._headers, url)
                answer = await client.post(url, content=event["body"].encode(), headers=headers)
        except TimeoutError:
            return f"no answer within {_ANSWER_SECONDS:g} s"
        except (httpx.HTTPError, httpx.InvalidURL) as failure:
            return f"{type(failure).__name__}: {failure}"
        return "" if answer.status_code == 200 else f"answered {answer.status_code}"

    def _headers(self, url: str) -> dict[str, str]:
        config = load_config(self._database.reader())
        headers = {"Content-Type": "application/json"}
        if config.is_signed and config.key:
            timestamp = str(int(time.time()))
            signed = f"{url}|{timestamp}|{config.key}".encode()
            headers["X-VOD-TIMESTAMP"] = timestamp
            headers["X-VOD-SIGNATURE"] = hashlib.md5(signed, usedforsecurity=False).hexdigest()
        return headers

    def _record_outcome(self, event_id: int, state: str, attempts: int, error: str) -> None:
        with self._database.transaction() as tx:
            update(tx, "events", event_id, state=state, attempts=attempts, error=error)
        with self._lock:
            self._in_flight.discard(event_id)


def _event_time(event_type: str) -> str:
    """EventTime; that of AI events ends in a colon and milliseconds."""
    moment = clock.now()
    if event_type in _AI_EVENTS:
        return f"{moment:%Y-%m-%dT%H:%M:%S}:{moment.microsecond // 1000:03d}Z"
    return clock.format_time(moment)
