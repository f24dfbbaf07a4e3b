"""Prefetch and refresh by VOD, with smaller quotas than CDN's."""

import sqlite3

from localvod.cloud import Cloud
from localvod.errors import ApiError
from localvod.operations import cache
from localvod.operations.cdn_cache import require_slash
from localvod.operations.registry import Answer, Call, operation

CALL_LIMIT = 1_000
KINDS = (cache.FILE, cache.DIRECTORY, cache.REGEX, "ignoreparams")


@operation("PreloadVodObjectCaches", qps=50, is_writing=True, is_cache_operation=True)
def preload_vod_object_caches(cloud: Cloud, tx: sqlite3.Connection, call: Call) -> Answer:
    """Prefetch URLs; directories cannot be prefetched."""
    call.parameters.choice("Area", "domestic", "domestic", "overseas")
    targets = cache.parse_targets(cloud, call.parameters, most=CALL_LIMIT)
    for target in targets:
        if target.given.endswith("/"):
            message = f"The directory {target.given!r} cannot be prefetched."
            raise ApiError("InvalidObjectPath.Malformed", 400, message)
    task_id = cache.submit_task(cloud, tx, "vod", cache.PRELOAD, targets)
    call.effect = {"task_id": task_id, "object_paths": [target.given for target in targets]}
    return {"PreloadTaskId": task_id}


@operation("RefreshVodObjectCaches", qps=50, is_writing=True, is_cache_operation=True)
def refresh_vod_object_caches(cloud: Cloud, tx: sqlite3.Connection, call: Call) -> Answer:
    """Purge files, directories, or the URLs that match a regular expression."""
    kind = call.parameters.text("ObjectType", "File").lower()
    if kind not in KINDS:
        message = f"ObjectType {kind} is not one of File, Directory, Regex, IgnoreParams."
        raise ApiError("InvalidObjectType.ValueNotSupported", 400, message)
    targets = cache.parse_targets(cloud, call.parameters, most=CALL_LIMIT)
    require_slash(kind, targets)
    task_id = cache.submit_task(cloud, tx, "vod", kind, targets)
    call.effect = {"task_id": task_id, "object_paths": [target.given for target in targets]}
    return {"RefreshTaskId": task_id}
