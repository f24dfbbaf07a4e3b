"""Event notifications: what is told to whom, and the sender that tells it."""

import asyncio
import hashlib
import json
import logging
import sqlite3
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from localvod import clock
from localvod.faults import Faults
from localvod.store import Database
from localvod.store.database import insert, update
from localvod.store.notes import load_note
from localvod.user_data import callback_url

ATTEMPTS = 3
PAUSE_SECONDS = 1.0
ANSWER_SECONDS = 5.0
CONCURRENT_SENDERS = 32
AI_EVENTS = frozenset({"AIMediaAuditComplete"})
CALLBACK_NOTE = "callback"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CallbackConfig:
    """What SetMessageCallback set; `event_types` is empty (none), `ALL`, or comma separated."""

    url: str = ""
    key: str = ""
    is_signed: bool = False
    event_types: str = "ALL"
    callback_type: str = "HTTP"
    app_id: str = "app-1000000"
    mns_endpoint: str = ""
    mns_queue_name: str = ""

    def wants(self, event_type: str) -> bool:
        name = "AIComplete" if event_type in AI_EVENTS else event_type
        chosen = {part.strip() for part in self.event_types.split(",")}
        return self.callback_type == "HTTP" and bool(self.url) and bool({name, "ALL"} & chosen)


def load_config(connection: sqlite3.Connection) -> CallbackConfig:
    return CallbackConfig(**load_note(connection, CALLBACK_NOTE, {}))


class Events:
    """Queues events in the transaction of what they report, and sends them afterwards."""

    def __init__(self, database: Database, faults: Faults) -> None:
        self._database = database
        self._faults = faults
        self._wake: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._in_flight: set[int] = set()
        self._lock = threading.Lock()
        self._has_fresh = False

    def emit(
        self,
        tx: sqlite3.Connection,
        event_type: str,
        media_id: str,
        body: Mapping[str, Any],
        *,
        job_user_data: str = "",
        media_user_data: str = "",
        status: str | None = "success",
    ) -> None:
        """Queue one event, if the callback configuration asks for its type.

        The URL is the job's own, else the one bound to the media at upload, else the global one.
        """
        config = load_config(tx)
        if not config.wants(event_type):
            return
        head: dict[str, Any] = {"EventTime": _event_time(event_type), "EventType": event_type}
        if status is not None:
            head["Status"] = status
        url = callback_url(job_user_data) or callback_url(media_user_data) or config.url
        self.queue(tx, event_type, media_id, url, {**head, **body})

    def queue(
        self,
        tx: sqlite3.Connection,
        event_type: str,
        media_id: str,
        url: str,
        body: Mapping[str, Any],
    ) -> None:
        """Queue a finished body for a URL; it is sent once the transaction is committed."""
        event = {
            "event_type": event_type,
            "media_id": media_id,
            "url": url,
            "body": json.dumps(body, ensure_ascii=False),
            "state": "waiting",
            "creation_time": clock.now_text(),
        }
        insert(tx, "events", event)
        self._has_fresh = True

    def wake(self) -> None:
        """Called after each commit, from any thread: tell the sender when it queued events."""
        if not self._has_fresh:
            return
        self._has_fresh = False
        if self._loop is not None and self._wake is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake.set)

    def waiting_count(self) -> int:
        rows = self._database.read().execute("SELECT count(*) FROM events WHERE state = 'waiting'")
        return int(rows.fetchone()[0])

    async def run(self) -> None:
        """Send what waits, until cancelled. Events left by an earlier process are sent too."""
        self._loop, self._wake = asyncio.get_running_loop(), asyncio.Event()
        places = asyncio.Semaphore(CONCURRENT_SENDERS)
        timeout = httpx.Timeout(ANSWER_SECONDS)
        async with (
            httpx.AsyncClient(timeout=timeout, trust_env=False) as client,
            asyncio.TaskGroup() as tasks,
        ):
            while True:
                for event in await asyncio.to_thread(self._fresh):
                    tasks.create_task(self._send(client, places, event))
                await self._wake.wait()
                self._wake.clear()

    def _fresh(self) -> list[sqlite3.Row]:
        rows = self._database.read().execute(
            "SELECT * FROM events WHERE state = 'waiting' ORDER BY id"
        )
        with self._lock:
            fresh = [row for row in rows if row["id"] not in self._in_flight]
            self._in_flight.update(row["id"] for row in fresh)
        return fresh

    async def _send(
        self, client: httpx.AsyncClient, places: asyncio.Semaphore, event: sqlite3.Row
    ) -> None:
        copies, delay = self._faults.for_callback()
        await asyncio.sleep(delay)
        state, attempts, error = "dropped", 0, "dropped by a fault"
        async with places:
            for _ in range(copies):
                state, attempts, error = await self._try(client, event)
        await asyncio.to_thread(self._finish, event["id"], state, attempts, error)

    async def _try(self, client: httpx.AsyncClient, event: sqlite3.Row) -> tuple[str, int, str]:
        error = ""
        for attempt in range(1, ATTEMPTS + 1):
            error = await self._attempt(client, event)
            if not error:
                return "delivered", attempt, ""
            if attempt < ATTEMPTS:
                await asyncio.sleep(PAUSE_SECONDS)
        logger.warning("event dropped: %s for %s: %s", event["event_type"], event["url"], error)
        return "dropped", ATTEMPTS, error

    async def _attempt(self, client: httpx.AsyncClient, event: sqlite3.Row) -> str:
        """Send once; returns what went wrong, or nothing. Only status 200 counts as received."""
        url = event["url"]
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                headers = await asyncio.to_thread(self._headers, url)
                answer = await client.post(url, content=event["body"].encode(), headers=headers)
        except TimeoutError:
            return f"no answer within {ANSWER_SECONDS:g} s"
        except (httpx.HTTPError, httpx.InvalidURL) as failure:
            return f"{type(failure).__name__}: {failure}"
        return "" if answer.status_code == 200 else f"answered {answer.status_code}"

    def _headers(self, url: str) -> dict[str, str]:
        config = load_config(self._database.read())
        headers = {"Content-Type": "application/json"}
        if config.is_signed and config.key:
            timestamp = str(int(time.time()))
            signed = f"{url}|{timestamp}|{config.key}".encode()
            headers["X-VOD-TIMESTAMP"] = timestamp
            headers["X-VOD-SIGNATURE"] = hashlib.md5(signed, usedforsecurity=False).hexdigest()
        return headers

    def _finish(self, event_id: int, state: str, attempts: int, error: str) -> None:
        with self._database.write() as tx:
            update(tx, "events", event_id, state=state, attempts=attempts, error=error)
        with self._lock:
            self._in_flight.discard(event_id)


def _event_time(event_type: str, moment: datetime | None = None) -> str:
    """The documented spelling; AI events carry milliseconds after a colon."""
    moment = moment or clock.now()
    if event_type in AI_EVENTS:
        return f"{moment:%Y-%m-%dT%H:%M:%S}:{moment.microsecond // 1000:03d}Z"
    return clock.text(moment)
