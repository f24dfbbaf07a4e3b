"""ApsaraVideo VOD and CDN in our own terms; the only package that imports an SDK.

`vod_gateway()` and `cdn_gateway()` are made once per process and settings, and are safe to share
between threads. They know nothing of Django but its settings.
"""

import os
from functools import lru_cache

from shortvideo.cloud.cdn import CdnGateway
from shortvideo.cloud.client import CloudSettings, Service
from shortvideo.cloud.vod import VodGateway


def vod_gateway() -> VodGateway:
    """Return the process's VOD gateway."""
    return _vod(CloudSettings.from_django())


def cdn_gateway() -> CdnGateway:
    """Return the process's CDN gateway."""
    return _cdn(CloudSettings.from_django())


@lru_cache
def _vod(settings: CloudSettings) -> VodGateway:
    return VodGateway(Service.vod(settings))


@lru_cache
def _cdn(settings: CloudSettings) -> CdnGateway:
    return CdnGateway(Service.cdn(settings))


def _forget() -> None:
    """Let a forked process make its own connections: two must not read from one socket."""
    _vod.cache_clear()
    _cdn.cache_clear()


os.register_at_fork(after_in_child=_forget)

__all__ = ["CdnGateway", "CloudSettings", "VodGateway", "cdn_gateway", "vod_gateway"]
