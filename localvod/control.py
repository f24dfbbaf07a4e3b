"""Control endpoints for tests, training and the command line.

They answer loopback only. A page in a browser on this machine is loopback too: its Host tells a
rebound name, and JSON is a content type that no page may send to another site unasked.
"""

import asyncio
import functools
import ipaddress
import json
import re
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
from localvod.numbers import NumberError, number, whole_number
from localvod.operations import audits
from localvod.operations.catalog import OPERATIONS
from localvod.store.notes import save_note

_IDLE_SECONDS = 120.0
_POLL_SECONDS = 0.02
_LARGEST_CATALOGUE = 100_000_000
_LARGEST_LEAD_SECONDS = 31_536_000
_LARGEST_WAIT_SECONDS = 86_400
_LARGEST_WHOLE = 2**53  # of JSON's numbers
_LATEST_MOMENT = 253_402_300_799  # the end of the year 9999, in unix seconds
# The whole of a Host header: a name alone, an address or IPv6 in brackets, and a port.
_HOST = re.compile(r"(localhost|[0-9.]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?", re.IGNORECASE)

_Endpoint = Callable[[Request], Awaitable[Response]]


class _ControlError(ValueError):
    """An invalid control request; the message is one clear sentence."""


def routes(cloud: Cloud) -> list[Route]:
    """The control endpoints, below `/_localvod`."""
    control = _Control(cloud)
    table: list[tuple[str, str, _Endpoint]] = [
        ("/healthz", "GET", control.show_health),
        ("/reset", "POST", control.reset),
        ("/videos", "POST", control.create_videos),
        ("/catalogue", "POST", control.set_catalogue),
        ("/faults", "GET", control.show_faults),
        ("/faults", "POST", control.set_faults),
        ("/quotas", "POST", control.set_quotas),
        ("/clock", "POST", control.set_clock),
        ("/ledger", "GET", control.show_ledger),
        ("/state/{video_id}", "GET", control.show_state),
        ("/idle", "POST", control.wait_until_idle),
        ("/audits", "POST", control.create_audit),
        ("/events", "GET", control.show_events),
        ("/events", "POST", control.send_event),
        ("/files/{key:path}", "PUT", control.put_file),
    ]
    return [Route(path, _guard(endpoint), methods=[method]) for path, method, endpoint in table]


def _guard(endpoint: _Endpoint) -> _Endpoint:
    """Answer our own clients only, and an invalid request with one sentence."""

    @functools.wraps(endpoint)
    async def guarded(request: Request) -> Response:
        if request.client is None or not _is_loopback(request.client.host):
            return _json({"error": "Control endpoints answer on loopback only."}, 403)
        if not _is_loopback(_host_of(request)):
            return _json({"error": "Host must be localhost or a loopback address."}, 403)
        if request.method == "POST" and _content_type(request) != "application/json":
            return _json({"error": "Content-Type must be application/json."}, 415)
        try:
            return await endpoint(request)
        except (_ControlError, FaultError, NumberError, seeding.SeedError) as error:
            return _json({"error": str(error)}, 400)
        except ApiError as error:
            return _json({"error": error.message, "code": error.code}, error.status)

    return guarded


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _host_of(request: Request) -> str:
    """The name or address of the Host header, in lower case; '' unless it has no other part."""
    found = _HOST.fullmatch(request.headers.get("host", ""))
    return found[1].strip("[]").lower() if found else ""


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _json(content: object, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")


def _listing(name: str, chunks: Iterable[list[Any]]) -> Iterator[bytes]:
    """Yield a JSON object with one list, chunk by chunk; no chunk may be empty."""
    yield f'{{"{name}":['.encode()
    for index, chunk in enumerate(chunks):
        yield (b"," if index else b"") + orjson.dumps(chunk)[1:-1]
    yield b"]}"


async def _body(request: Request) -> Any:
    try:
        return json.loads(await request.body() or b"{}")
    except ValueError:
        raise _ControlError("The body must be JSON.") from None


async def _object(request: Request) -> dict[str, Any]:
    body = await _body(request)
    if not isinstance(body, dict):
        raise _ControlError("The body must be a JSON object.")
    return body


class _Control:
    """One method per endpoint."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    async def show_health(self, _: Request) -> Response:
        names = sorted(name for _, name in OPERATIONS)
        return _json({"status": "ok", "operations": names})

    async def reset(self, _: Request) -> Response:
        """Delete all videos, jobs, events, faults and the ledger."""
        await run_in_threadpool(self._cloud.reset)
        return _json({})

    async def create_videos(self, request: Request) -> Response:
        """Create finished videos from facts: one object or a list; answers their ids."""
        body = await _body(request)
        facts = body if isinstance(body, list) else [body]
        ids = await run_in_threadpool(seeding.create_videos, self._cloud, facts)
        return _json({"ids": ids})

    async def set_catalogue(self, request: Request) -> Response:
        """`{"count": N, "seed": 1}`: N computed videos beside the stored ones; 0 removes them."""
        body = await _object(request)
        count = whole_number("count", body.get("count"), 0, _LARGEST_CATALOGUE)
        seed = whole_number("seed", body.get("seed", 1), -_LARGEST_WHOLE, _LARGEST_WHOLE)
        await run_in_threadpool(self._save_catalogue, count, seed)
        return _json({"count": count})

    def _save_catalogue(self, count: int, seed: int) -> None:
        with self._cloud.database.transaction() as tx:
            self._cloud.videos.set_catalogue(tx, count, seed)

    async def show_faults(self, _: Request) -> Response:
        return _json(self._cloud.faults.as_json())

    async def set_faults(self, request: Request) -> Response:
        """Replace the faults; an empty object ends them."""
        body = await _object(request)
        self._cloud.faults.set(body)
        await run_in_threadpool(self._save_note, "faults", body)
        return _json(self._cloud.faults.as_json())

    def _save_note(self, name: str, value: dict[str, Any]) -> None:
        with self._cloud.database.transaction() as tx:
            save_note(tx, name, value)

    async def set_quotas(self, request: Request) -> Response:
        """`{"cdn preload": 5}`: URLs a day; {} restores the published limits."""
        body = await _object(request)
        known = [" ".join(name) for name in DAILY_QUOTAS]
        for name, limit in body.items():
            if name not in known:
                raise _ControlError(f"{name!r} must be one of {', '.join(known)}.")
            whole_number(name, limit, 0, _LARGEST_WHOLE)
        await run_in_threadpool(self._save_note, QUOTAS_NOTE, body)
        return _json(body)

    async def set_clock(self, request: Request) -> Response:
        """`{"ahead_seconds": 60}`: set the service's clock ahead of the machine's."""
        ahead = (await _object(request)).get("ahead_seconds")
        ahead = number("ahead_seconds", ahead, 0, _LARGEST_LEAD_SECONDS)
        clock.set_ahead(ahead)
        return _json({"ahead_seconds": ahead})

    async def show_ledger(self, request: Request) -> Response:
        """Calls in order; filters: operation, video_id, since (unix seconds), accepted=1."""
        given = request.query_params
        try:
            since = float(given.get("since", "0"))
        except ValueError:
            raise _ControlError("since must be unix seconds.") from None
        number("since", since, 0, _LATEST_MOMENT)
        chunks = ledger.read_chunks(
            self._cloud.database,
            operation=given.get("operation", ""),
            video_id=given.get("video_id", ""),
            since=since,
            accepted_only=given.get("accepted") == "1",
        )
        return StreamingResponse(_listing("entries", chunks), media_type="application/json")

    async def show_state(self, request: Request) -> Response:
        """All rows of one video."""
        video_id = request.path_params["video_id"]
        found = await run_in_threadpool(inspection.video_state, self._cloud, video_id)
        return _json(found) if found else _json({"error": f"There is no video {video_id}."}, 404)

    async def wait_until_idle(self, request: Request) -> Response:
        """Wait until no job runs and no event waits; 504 after `{"seconds": ...}` (120)."""
        given = (await _object(request)).get("seconds", _IDLE_SECONDS)
        ends_at = time.monotonic() + number("seconds", given, 0, _LARGEST_WAIT_SECONDS)
        while pending := await run_in_threadpool(inspection.describe_pending, self._cloud):
            if time.monotonic() > ends_at:
                return _json({"error": f"Still pending: {pending}."}, 504)
            await asyncio.sleep(_POLL_SECONDS)
        return _json({})

    async def create_audit(self, request: Request) -> Response:
        """Apply a decision of the VOD console: an entry of CreateAudit, plus `Auditor`."""
        body = await _object(request)
        decision = audits.parse_audit(body)
        auditor = str(body.get("Auditor", "vod-console"))
        await run_in_threadpool(self._apply_audit, decision, auditor)
        return _json({})

    def _apply_audit(self, decision: audits.Audit, auditor: str) -> None:
        with self._cloud.database.transaction() as tx:
            audits.apply_audit(self._cloud, tx, decision, auditor=auditor)

    async def show_events(self, request: Request) -> Response:
        """Events in order with state, attempts and error; filter: video_id."""
        video_id = request.query_params.get("video_id", "")
        events = await run_in_threadpool(inspection.list_events, self._cloud, video_id)
        return _json({"events": events})

    async def send_event(self, request: Request) -> Response:
        """Send any event: `{"url": ... (default: the configured one), "body": {...}}`, signed."""
        body = await _object(request)
        if not isinstance(body.get("body"), dict):
            raise _ControlError("body must be a JSON object, the event.")
        url = body.get("url", "")
        await run_in_threadpool(inspection.queue_event, self._cloud, url, body["body"])
        return _json({})

    async def put_file(self, request: Request) -> Response:
        """Store a file that belongs to no video, such as an avatar; its key is its path."""
        key = request.path_params["key"]
        root = self._cloud.settings.media_root.resolve()
        target = (root / key).resolve()
        if root not in target.parents or any(part.startswith(".") for part in Path(key).parts):
            raise _ControlError(f"{key!r} is not a path of plain names.")
        content = await request.body()
        await run_in_threadpool(inspection.store_file, self._cloud, key, target, content)
        return _json({"url": self._cloud.urls.plain(key)})
