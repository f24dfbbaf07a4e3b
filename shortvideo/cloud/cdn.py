"""The CDN in our own terms: prefetch, purge, their progress and the daily quota."""

from collections.abc import Sequence

from alibabacloud_cdn20180510 import models
from alibabacloud_cdn20180510.client import Client

from shortvideo.cloud.gateway import Gateway, check_count, split_for_query
from shortvideo.cloud.types import CdnQuota, CdnTaskFacts, MediaPath
from shortvideo.cloud.urls import host_and_path

_MAX_URLS = 100
_MAX_URL_CHARACTERS = 1024
_TASK_PAGE_SIZE = 100
_MAX_TASK_PAGES = 10  # a task has at most 500 prefetches


class CdnGateway(Gateway):
    """Raises the same errors as the VOD gateway; CloudUnavailable if a daily quota is used up."""

    def prefetch(self, paths: Sequence[MediaPath]) -> tuple[str, ...]:
        """Load up to 100 files to the edge, in one call unless their paths are very long.

        Returns the task ids, one for each domain.
        """
        _check_paths(paths)
        task_ids: list[str] = []
        for some in split_for_query(paths):
            reply = self._call_once(
                Client.push_object_cache_with_options,
                models.PushObjectCacheRequest(object_path="\n".join(some)),
            )
            task_ids += reply.names("PushTaskId") or reply.unexpected("PushTaskId is missing")
        return tuple(task_ids)

    def purge(self, paths: Sequence[MediaPath]) -> tuple[str, ...]:
        """Remove up to 100 files from the edge, in one call: the SDK sends these in the body.

        Returns the task ids.
        """
        _check_paths(paths)
        reply = self._call_once(
            Client.refresh_object_caches_with_options,
            models.RefreshObjectCachesRequest(object_path="\n".join(paths), object_type="File"),
        )
        return reply.names("RefreshTaskId") or reply.unexpected("RefreshTaskId is missing")

    def tasks(self, task_id: str) -> tuple[CdnTaskFacts, ...]:
        """Return the URLs of a task. The CDN keeps tasks for three days."""
        found: list[CdnTaskFacts] = []
        for page_number in range(1, _MAX_TASK_PAGES + 1):
            reply = self._call_with_retries(
                Client.describe_refresh_tasks_with_options,
                models.DescribeRefreshTasksRequest(
                    task_id=task_id, page_number=page_number, page_size=_TASK_PAGE_SIZE
                ),
            )
            page = [
                CdnTaskFacts(
                    task_id=task.required("TaskId"),
                    path=host_and_path(task.text("ObjectPath")),
                    kind=task.text("ObjectType"),
                    status=task.required("Status"),
                    progress=task.percent("Process"),
                    created_at=task.moment("CreationTime"),
                    description=task.text("Description"),
                )
                for task in reply.children("Tasks", wrapped="CDNTask")
            ]
            found += page
            if len(page) < _TASK_PAGE_SIZE:
                break
        return tuple(found)

    def quota(self) -> CdnQuota:
        """Return the daily quotas of URLs, and what is left of them today."""
        reply = self._call_with_retries(
            Client.describe_refresh_quota_with_options, models.DescribeRefreshQuotaRequest()
        )
        names = ("PreloadQuota", "PreloadRemain", "UrlQuota", "UrlRemain", "DirQuota", "DirRemain")
        for name in names:
            reply.required(name)
        return CdnQuota(*(reply.whole(name) for name in names))


def _check_paths(paths: Sequence[MediaPath]) -> None:
    check_count(_MAX_URLS, paths, "URLs")
    for path in paths:
        if not path or "\n" in path or len(path) > _MAX_URL_CHARACTERS:
            raise ValueError(
                f"{path[:80]!r} is not a host/path of 1 to {_MAX_URL_CHARACTERS} characters."
            )
