"""CDN: PushObjectCache, RefreshObjectCaches, DescribeRefreshTasks, DescribeRefreshQuota."""

import sqlite3

from localvod.cloud import Cloud
from localvod.errors import missing_parameter
from localvod.operations import cache
from localvod.operations.registry import CDN, Answer, Call, operation

PUSH_LIMIT = 100
REFRESH_LIMITS = {
    cache.FILE: 1_000,
    cache.DIRECTORY: 100,
    cache.REGEX: 1,
    "exquery": 100,
}
DOMAIN_TASK_TYPES = ("file", "directory", "regex", "preload")


@operation("PushObjectCache", qps=50, version=CDN, is_writing=True)
def push_object_cache(cloud: Cloud, tx: sqlite3.Connection, call: Call) -> Answer:
    """Prefetch up to 100 URLs."""
    call.parameters.choice("Area", "domestic", "domestic", "overseas")
    targets = cache.parse_targets(cloud, call.parameters, most=PUSH_LIMIT)
    return {"PushTaskId": cache.submit_task(cloud, tx, call, cache.PRELOAD, targets)}


@operation("RefreshObjectCaches", qps=50, version=CDN, is_writing=True)
def refresh_object_caches(cloud: Cloud, tx: sqlite3.Connection, call: Call) -> Answer:
    """Purge files, directories, or the URLs that match a regular expression."""
    return cache.submit_refresh(cloud, tx, call, REFRESH_LIMITS)


@operation("DescribeRefreshTasks", qps=10, version=CDN)
def describe_refresh_tasks(cloud: Cloud, connection: sqlite3.Connection, call: Call) -> Answer:
    """Prefetch and refresh tasks of the last three days."""
    given = call.parameters
    if (given.text("DomainName") or given.text("Status")) and not given.text("ObjectType"):
        raise missing_parameter("ObjectType")
    if given.text("ObjectType"):
        given.choice("ObjectType", "", *DOMAIN_TASK_TYPES)
    return cache.list_tasks(cloud, connection, call)


@operation("DescribeRefreshQuota", qps=20, version=CDN)
def describe_refresh_quota(cloud: Cloud, connection: sqlite3.Connection, call: Call) -> Answer:
    """The quotas of a day and what remains today; all values are strings."""
    names = {
        cache.FILE: "Url",
        cache.DIRECTORY: "Dir",
        cache.PRELOAD: "Preload",
        cache.REGEX: "Regex",
        "exquery": "IgnoreParams",
    }
    answer: Answer = {**cache.quota_texts(connection, "cdn", names)}
    return {
        **answer,
        "PreloadEdgeQuota": "0",
        "PreloadEdgeRemain": "0",
        "BlockQuota": "0",
        "BlockRemain": "0",
    }
