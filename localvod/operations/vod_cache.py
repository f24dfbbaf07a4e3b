"""Prefetch and refresh by VOD, with smaller quotas than CDN's."""

import sqlite3

from localvod.cloud import Cloud
from localvod.errors import ApiError
from localvod.operations import cache
from localvod.operations.registry import Answer, Call, operation

CALL_LIMIT = 1_000
_KINDS = (cache.FILE, cache.DIRECTORY, cache.REGEX, "ignoreparams")
REFRESH_LIMITS = dict.fromkeys(_KINDS, CALL_LIMIT)


@operation("PreloadVodObjectCaches", qps=50, is_writing=True, is_cache_operation=True)
def preload_vod_object_caches(cloud: Cloud, tx: sqlite3.Connection, call: Call) -> Answer:
    """Prefetch URLs; directories cannot be prefetched."""
    call.parameters.choice("Area", "domestic", "domestic", "overseas")
    targets = cache.parse_targets(cloud, call.parameters, most=CALL_LIMIT)
    for target in targets:
        if target.given.endswith("/"):
            message = f"The directory {target.given!r} cannot be prefetched."
            raise ApiError("InvalidObjectPath.Malformed", 400, message)
    return {"PreloadTaskId": cache.submit_task(cloud, tx, call, cache.PRELOAD, targets)}


@operation("RefreshVodObjectCaches", qps=50, is_writing=True, is_cache_operation=True)
def refresh_vod_object_caches(cloud: Cloud, tx: sqlite3.Connection, call: Call) -> Answer:
    """Purge files, directories, or the URLs that match a regular expression."""
    return cache.submit_refresh(cloud, tx, call, REFRESH_LIMITS)
