"""The HTTP application: signed calls on `POST /`, uploads, media, and control endpoints."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from urllib.parse import parse_qsl

import orjson
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from localvod import control, rpc, serving
from localvod.cloud import Cloud
from localvod.connections import hang_up
from localvod.faults import Rule
from localvod.jobs import job_kinds

_LARGEST_BODY = 2 * 1024 * 1024  # bytes
_FORM = "application/x-www-form-urlencoded"


class _Rpc:
    """`POST /`: one signed call of an operation."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = await request.body()
        if len(body) > _LARGEST_BODY:
            await Response("The body is too large.", 413)(scope, receive, send)
            return
        reply = await run_in_threadpool(rpc.answer_call, self._cloud, _rpc_request(request, body))
        content = orjson.dumps(reply.content)
        headers = {"x-acs-request-id": str(reply.content["RequestId"])}
        response = Response(content, reply.status, headers, "application/json;charset=utf-8")
        if reply.fault is None:
            await response(scope, receive, send)
        else:
            await _send_faulty(reply.fault, response, scope, receive, send)


def _rpc_request(request: Request, body: bytes) -> rpc.Request:
    is_form = request.headers.get("content-type", "").partition(";")[0] == _FORM
    return rpc.Request(
        query=parse_qsl(request.url.query, keep_blank_values=True),
        form=parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True) if is_form else [],
        headers=dict(request.headers),
        body=body,
        peer=request.client.host if request.client else "",
    )


async def _send_faulty(
    fault: Rule, response: Response, scope: Scope, receive: Receive, send: Send
) -> None:
    """Send the answer as the fault demands: not at all, with other bytes, or byte by byte."""
    if fault.kind == "lost":
        hang_up(scope["client"])
        await receive()  # returns when the server has seen the end of the connection
        return
    if fault.kind == "body":
        response = Response(fault.body, fault.status, media_type=fault.content_type)
    if fault.retry_after:
        response.headers["x-acs-retry-after"] = str(fault.retry_after)
    if fault.drip_seconds:
        await _drip(response, fault.drip_seconds, receive, send)
    else:
        await response(scope, receive, send)


async def _drip(response: Response, seconds: float, receive: Receive, send: Send) -> None:
    """Send the answer byte by byte; end when the client has gone."""
    head = {"type": "http.response.start", "status": response.status_code}
    await send({**head, "headers": response.raw_headers})
    content = bytes(response.body)
    for position in range(len(content)):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds / len(content)):
                if (await receive())["type"] == "http.disconnect":
                    return
        part = content[position : position + 1]
        more = position + 1 < len(content)
        await send({"type": "http.response.body", "body": part, "more_body": more})


def create_app(cloud: Cloud) -> Starlette:
    """The application of one cloud; its lifespan runs the sender of events and the jobs."""

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        sender = asyncio.create_task(cloud.events.send_forever())
        await run_in_threadpool(cloud.jobs.start, job_kinds(cloud))
        yield
        sender.cancel()
        await run_in_threadpool(cloud.jobs.stop)
        with contextlib.suppress(asyncio.CancelledError):
            await sender

    media = serving.Media(cloud)
    routes = [
        Route("/", _Rpc(cloud), methods=["POST"]),
        Mount("/_localvod", routes=control.routes(cloud)),
        Route("/{key:path}", media.put, methods=["PUT"]),
        Route("/{key:path}", media.preflight, methods=["OPTIONS"]),
        Route("/{key:path}", media.get, methods=["GET", "HEAD"]),
    ]
    return Starlette(routes=routes, lifespan=lifespan)
