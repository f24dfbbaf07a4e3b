"""Control endpoints for tests, training and the command line; answered to loopback only."""

import asyncio
import functools
import ipaddress
import json
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from localvod import clock, inspection, ledger, seeding
from localvod.cloud import Cloud
from localvod.errors import ApiError
from localvod.faults import FaultError
from localvod.limits import DAILY_QUOTAS, QUOTAS_NOTE
from localvod.operations import audits
from localvod.operations.catalog import OPERATIONS
from localvod.store.notes import save_note

IDLE_SECONDS = 120.0
POLL_SECONDS = 0.02
LARGEST_CATALOGUE = 100_000_000
LARGEST_LEAD_SECONDS = 31_536_000

Endpoint = Callable[[Request], Awaitable[Response]]


class ControlError(ValueError):
    """A control request that cannot be done; the message is one clear sentence."""


def routes(cloud: Cloud) -> list[Route]:
    """The control endpoints, below `/_localvod`."""
    control = Control(cloud)
    table: list[tuple[str, str, Endpoint]] = [
        ("/healthz", "GET", control.healthz),
        ("/reset", "POST", control.reset),
        ("/videos", "POST", control.videos),
        ("/catalogue", "POST", control.catalogue),
        ("/faults", "GET", control.show_faults),
        ("/faults", "POST", control.set_faults),
        ("/quotas", "POST", control.set_quotas),
        ("/clock", "POST", control.set_clock),
        ("/ledger", "GET", control.ledger),
        ("/state/{video_id}", "GET", control.state),
        ("/idle", "POST", control.idle),
        ("/audits", "POST", control.audit),
        ("/events", "GET", control.show_events),
        ("/events", "POST", control.send_event),
        ("/files/{key:path}", "PUT", control.put_file),
    ]
    return [Route(path, _guarded(endpoint), methods=[method]) for path, method, endpoint in table]


def _guarded(endpoint: Endpoint) -> Endpoint:
    """Loopback only; what is wrong with a request is answered in one sentence."""

    @functools.wraps(endpoint)
    async def guarded(request: Request) -> Response:
        if not _is_loopback(request):
            return _json({"error": "Control endpoints answer on loopback only."}, 403)
        try:
            return await endpoint(request)
        except (ControlError, FaultError, seeding.SeedError) as error:
            return _json({"error": str(error)}, 400)
        except ApiError as error:
            return _json({"error": error.message, "code": error.code}, error.status)

    return guarded


def _is_loopback(request: Request) -> bool:
    try:
        return request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def _json(content: object, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")


def _listing(name: str, chunks: Iterable[list[Any]]) -> Iterator[bytes]:
    """A JSON object with one list, however long, in parts; no chunk is empty."""
    yield f'{{"{name}":['.encode()
    for number, chunk in enumerate(chunks):
        yield (b"," if number else b"") + orjson.dumps(chunk)[1:-1]
    yield b"]}"


async def _body(request: Request) -> Any:
    try:
        return json.loads(await request.body() or b"{}")
    except ValueError:
        raise ControlError("The body must be JSON.") from None


async def _object(request: Request) -> dict[str, Any]:
    body = await _body(request)
    if not isinstance(body, dict):
        raise ControlError("The body must be a JSON object.")
    return body


class Control:
    """One method per endpoint."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    async def healthz(self, _: Request) -> Response:
        names = sorted(name for _, name in OPERATIONS)
        return _json({"status": "ok", "operations": names})

    async def reset(self, _: Request) -> Response:
        """Forget all videos, jobs, events, faults and the ledger."""
        await run_in_threadpool(self._cloud.reset)
        return _json({})

    async def videos(self, request: Request) -> Response:
        """Create finished videos from facts: one object or a list; answers their ids."""
        body = await _body(request)
        facts = body if isinstance(body, list) else [body]
        ids = await run_in_threadpool(seeding.create_videos, self._cloud, facts)
        return _json({"ids": ids})

    async def catalogue(self, request: Request) -> Response:
        """`{"count": N, "seed": 1}`: N computed videos beside the stored ones; 0 removes them."""
        body = await _object(request)
        count, seed = body.get("count"), body.get("seed", 1)
        if not isinstance(count, int) or not 0 <= count <= LARGEST_CATALOGUE:
            raise ControlError(f"count must be a whole number from 0 to {LARGEST_CATALOGUE}.")
        if not isinstance(seed, int):
            raise ControlError("seed must be a whole number.")
        await run_in_threadpool(self._set_catalogue, count, seed)
        return _json({"count": count})

    def _set_catalogue(self, count: int, seed: int) -> None:
        with self._cloud.database.write() as tx:
            self._cloud.videos.set_catalogue(tx, count, seed)

    async def show_faults(self, _: Request) -> Response:
        return _json(self._cloud.faults.as_json())

    async def set_faults(self, request: Request) -> Response:
        """Put faults in force in place of the earlier ones; an empty object ends them."""
        body = await _object(request)
        self._cloud.faults.set(body)
        await run_in_threadpool(self._save_faults, body)
        return _json(self._cloud.faults.as_json())

    def _save_faults(self, body: dict[str, Any]) -> None:
        with self._cloud.database.write() as tx:
            save_note(tx, "faults", body)

    async def set_quotas(self, request: Request) -> Response:
        """`{"cdn preload": 5}`: URLs a day in place of the published ones; {} brings those back."""
        body = await _object(request)
        known = [" ".join(name) for name in DAILY_QUOTAS]
        for name, limit in body.items():
            if name not in known or not isinstance(limit, int) or limit < 0:
                raise ControlError(
                    f"{name!r} must be one of {', '.join(known)}, and its value a whole number."
                )
        await run_in_threadpool(self._save_quotas, body)
        return _json(body)

    def _save_quotas(self, body: dict[str, Any]) -> None:
        with self._cloud.database.write() as tx:
            save_note(tx, QUOTAS_NOTE, body)

    async def set_clock(self, request: Request) -> Response:
        """`{"ahead_seconds": 60}`: the service's time is so far ahead of the machine's."""
        ahead = (await _object(request)).get("ahead_seconds")
        if not isinstance(ahead, int | float) or not 0 <= ahead <= LARGEST_LEAD_SECONDS:
            raise ControlError(f"ahead_seconds must be a number from 0 to {LARGEST_LEAD_SECONDS}.")
        clock.set_ahead(ahead)
        return _json({"ahead_seconds": ahead})

    async def ledger(self, request: Request) -> Response:
        """Calls in order; filters: operation, video_id, since (unix seconds), accepted=1."""
        given = request.query_params
        try:
            since = float(given.get("since", "0"))
        except ValueError:
            raise ControlError("since must be unix seconds.") from None
        chunks = ledger.chunks(
            self._cloud.database,
            operation=given.get("operation", ""),
            video_id=given.get("video_id", ""),
            since=since,
            accepted_only=given.get("accepted") == "1",
        )
        return StreamingResponse(_listing("entries", chunks), media_type="application/json")

    async def state(self, request: Request) -> Response:
        """All that is held on one video."""
        video_id = request.path_params["video_id"]
        found = await run_in_threadpool(inspection.state_of, self._cloud, video_id)
        return _json(found) if found else _json({"error": f"There is no video {video_id}."}, 404)

    async def idle(self, request: Request) -> Response:
        """Wait until no job runs and no event waits; 504 after `{"seconds": ...}` (120)."""
        body = await _object(request)
        ends_at = time.monotonic() + float(body.get("seconds", IDLE_SECONDS))
        while pending := await run_in_threadpool(inspection.pending, self._cloud):
            if time.monotonic() > ends_at:
                return _json({"error": f"Still pending: {pending}."}, 504)
            await asyncio.sleep(POLL_SECONDS)
        return _json({})

    async def audit(self, request: Request) -> Response:
        """A decision made in the VOD console: as CreateAudit's entries, plus an `Auditor`."""
        body = await _object(request)
        decision = audits.parse(body)
        auditor = str(body.get("Auditor", "vod-console"))
        await run_in_threadpool(self._apply, decision, auditor)
        return _json({})

    def _apply(self, decision: audits.Audit, auditor: str) -> None:
        with self._cloud.database.write() as tx:
            audits.apply(self._cloud, tx, decision, auditor=auditor)

    async def show_events(self, request: Request) -> Response:
        """Events in order with state, attempts and error; filter: video_id."""
        video_id = request.query_params.get("video_id", "")
        events = await run_in_threadpool(inspection.events_of, self._cloud, video_id)
        return _json({"events": events})

    async def send_event(self, request: Request) -> Response:
        """Send any event: `{"url": ... (default: the configured one), "body": {...}}`, signed."""
        body = await _object(request)
        if not isinstance(body.get("body"), dict):
            raise ControlError("body must be a JSON object, the event.")
        url = body.get("url", "")
        await run_in_threadpool(inspection.queue_event, self._cloud, url, body["body"])
        return _json({})

    async def put_file(self, request: Request) -> Response:
        """Store a file that belongs to no video (an avatar); it is served under its key."""
        key = request.path_params["key"]
        root = self._cloud.settings.media_root.resolve()
        target = (root / key).resolve()
        if root not in target.parents or any(part.startswith(".") for part in Path(key).parts):
            raise ControlError(f"{key!r} is not a path of plain names.")
        content = await request.body()
        await run_in_threadpool(inspection.store_file, self._cloud, key, target, content)
        return _json({"url": self._cloud.urls.plain(key)})
