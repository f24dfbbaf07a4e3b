"""Importing this module registers every operation."""

from localvod.operations import (
    audits,
    callbacks,
    cdn_cache,
    info,
    machine_review,
    play,
    search,
    security_ips,
    snapshots,
    transcoding,
    uploads,
    vod_cache,
)
from localvod.operations.registry import OPERATIONS

__all__ = [
    "OPERATIONS",
    "audits",
    "callbacks",
    "cdn_cache",
    "info",
    "machine_review",
    "play",
    "search",
    "security_ips",
    "snapshots",
    "transcoding",
    "uploads",
    "vod_cache",
]
