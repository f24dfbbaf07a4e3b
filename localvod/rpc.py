"""Signed calls: from the request to the answer of one operation."""

import hmac
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from localvod import clock, ledger
from localvod.cloud import Cloud
from localvod.errors import ApiError, api_not_found, missing_parameter
from localvod.faults import Rule
from localvod.limits import throttling_error
from localvod.operations.catalog import OPERATIONS
from localvod.operations.parameters import Parameters
from localvod.operations.registry import PRODUCTS, Call, Operation
from localvod.signature import parse_authorization, sign_request

_CLOCK_TOLERANCE_SECONDS = 15 * 60


@dataclass(frozen=True, slots=True)
class Request:
    """A call as received; header names are in lower case, query and form are decoded."""

    query: Sequence[tuple[str, str]]
    form: Sequence[tuple[str, str]]
    headers: Mapping[str, str]
    body: bytes
    peer: str


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer of a call, and the fault with which to send it."""

    status: int
    content: Mapping[str, Any]
    fault: Rule | None = None


def answer_call(cloud: Cloud, request: Request) -> Reply:
    """Verify, execute and record one call. Refusals become error bodies."""
    request_id = str(uuid.uuid4()).upper()
    try:
        operation, call = _accept(cloud, request, request_id)
    except ApiError as error:
        return _refusal(request, request_id, error)
    fault = cloud.faults.for_call(operation.name)
    if fault is not None and fault.latency_seconds:
        time.sleep(fault.latency_seconds)
    if fault is not None and fault.kind and not fault.is_after:
        _record_call(cloud, call, code=fault.code, fault=fault)
        return _refusal(request, request_id, _fault_error(fault), fault)
    try:
        content = _execute(cloud, operation, call, fault)
    except ApiError as error:
        _record_call(cloud, call, code=error.code, fault=fault)
        return _refusal(request, request_id, error, fault)
    if fault is not None and fault.kind == "error":
        return _refusal(request, request_id, _fault_error(fault), fault)
    return Reply(200, {"RequestId": request_id, **content}, fault)


def _accept(cloud: Cloud, request: Request, request_id: str) -> tuple[Operation, Call]:
    access_key_id = _verify(cloud, request)
    name = request.headers.get("x-acs-action", "")
    operation = OPERATIONS.get((request.headers.get("x-acs-version", ""), name))
    if operation is None:
        raise api_not_found(name)
    is_limited = cloud.settings.is_rate_limited
    if is_limited and not cloud.limiter.allow(operation.name, operation.qps):
        raise throttling_error(operation.name, is_cache_operation=operation.is_cache_operation)
    parameters = Parameters(dict([*request.query, *request.form]))
    product = PRODUCTS[operation.version]
    call = Call(name, product, parameters, request.peer, request_id, access_key_id)
    return operation, call


def _verify(cloud: Cloud, request: Request) -> str:
    """Check signature, date and nonce; returns the access key id."""
    headers = request.headers
    given = parse_authorization(headers.get("authorization", ""))
    if given is None:
        raise missing_parameter("Authorization (ACS3-HMAC-SHA256)")
    if given.access_key_id != cloud.settings.access_key_id:
        message = "The specified access key id is not found."
        raise ApiError("InvalidAccessKeyId.NotFound", 404, message)
    _require_signed(given.signed_headers)
    expected = sign_request(
        cloud.settings.access_key_secret,
        method="POST",
        path="/",
        query=request.query,
        headers=headers,
        signed_headers=given.signed_headers,
        body=request.body,
    )
    if not hmac.compare_digest(expected, given.signature):
        message = "The request signature does not match the one calculated here."
        raise ApiError("SignatureDoesNotMatch", 400, message)
    _check_freshness(cloud, headers)
    return given.access_key_id


def _require_signed(signed_headers: Sequence[str]) -> None:
    for name in ("host", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce"):
        if name not in signed_headers:
            message = f"The header {name} must be among the signed headers."
            raise ApiError("SignatureDoesNotMatch", 400, message)


def _check_freshness(cloud: Cloud, headers: Mapping[str, str]) -> None:
    now = clock.machine_now()
    try:
        age = abs((now - clock.parse_time(headers["x-acs-date"])).total_seconds())
    except (KeyError, ValueError):
        age = _CLOCK_TOLERANCE_SECONDS + 1
    if age > _CLOCK_TOLERANCE_SECONDS:
        message = "The date of the request is more than 15 minutes away from the server's."
        raise ApiError("InvalidTimeStamp.Expired", 400, message)
    if not cloud.nonces.remember(headers["x-acs-signature-nonce"], now.timestamp()):
        message = "The signature nonce was used before."
        raise ApiError("SignatureNonceUsed", 400, message)


def _execute(
    cloud: Cloud, operation: Operation, call: Call, fault: Rule | None
) -> Mapping[str, Any]:
    """Call the handler; a writing operation is recorded in its own transaction."""
    if operation.is_writing:
        with cloud.database.transaction() as tx:
            content = operation.handler(cloud, tx, call)
            ledger.record_call(tx, call, fault=_kind_of(fault))
        return content
    content = operation.handler(cloud, cloud.database.reader(), call)
    _record_call(cloud, call, fault=fault)
    return content


def _record_call(cloud: Cloud, call: Call, *, code: str = "", fault: Rule | None) -> None:
    with cloud.database.transaction() as tx:
        ledger.record_call(tx, call, code=code, fault=_kind_of(fault))


def _kind_of(fault: Rule | None) -> str:
    return fault.kind if fault is not None else ""


def _fault_error(fault: Rule) -> ApiError:
    return ApiError(fault.code, fault.status, fault.message)


def _refusal(
    request: Request, request_id: str, error: ApiError, fault: Rule | None = None
) -> Reply:
    content = {
        "RequestId": request_id,
        "HostId": request.headers.get("host", ""),
        "Code": error.code,
        "Message": error.message,
    }
    return Reply(error.status, content, fault)
