"""The table of operations: handler, limit and kind of each."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from localvod.operations.parameters import Parameters

if TYPE_CHECKING:
    from localvod.cloud import Cloud

VOD, CDN = "2017-03-21", "2018-05-10"
PRODUCTS = {VOD: "vod", CDN: "cdn"}


@dataclass(slots=True)
class Call:
    """One call. Its handler sets `video_ids` and `effect` for the ledger."""

    operation: str
    product: str
    parameters: Parameters
    peer: str
    request_id: str
    access_key_id: str
    video_ids: list[str] = field(default_factory=list)
    effect: dict[str, Any] = field(default_factory=dict)


Answer = dict[str, Any]
Handler = Callable[["Cloud", sqlite3.Connection, Call], Answer]


@dataclass(frozen=True, slots=True)
class Operation:
    """`qps` is the published limit; `is_writing` runs the handler in the writer's transaction."""

    name: str
    version: str
    handler: Handler
    qps: int
    is_writing: bool
    is_cache_operation: bool


OPERATIONS: dict[tuple[str, str], Operation] = {}


def operation(
    name: str,
    *,
    qps: int,
    version: str = VOD,
    is_writing: bool = False,
    is_cache_operation: bool = False,
) -> Callable[[Handler], Handler]:
    """Register the decorated handler for an operation of the given API version."""

    def register(handler: Handler) -> Handler:
        OPERATIONS[version, name] = Operation(
            name, version, handler, qps, is_writing, is_cache_operation
        )
        return handler

    return register
