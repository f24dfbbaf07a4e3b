"""The CDN in our own terms: prefetch, purge, and how far they got."""

from collections.abc import Sequence

from alibabacloud_cdn20180510 import models
from alibabacloud_cdn20180510.client import Client

from shortvideo.cloud.gateway import Gateway, at_most, portions
from shortvideo.cloud.types import CdnQuota, CdnTaskFacts, MediaPath
from shortvideo.cloud.urls import host_and_path

MAX_URLS = 100
MAX_URL_CHARACTERS = 1024
TASK_PAGE_SIZE = 100
MAX_TASK_PAGES = 10  # one id covers at most 500 prefetches


class CdnGateway(Gateway):
    """Raises as the VOD gateway does. A daily quota that is used up is CloudUnavailable."""

    def prefetch(self, paths: Sequence[MediaPath]) -> tuple[str, ...]:
        """Bring up to 100 files to the edge, in one call unless their paths are very long.

        Returns the ids of the tasks, one for each domain.
        """
        _check(paths)
        task_ids: list[str] = []
        for portion in portions(paths):
            reply = self._once(
                Client.push_object_cache_with_options,
                models.PushObjectCacheRequest(object_path="\n".join(portion)),
            )
            task_ids += reply.names("PushTaskId") or reply.unexpected("PushTaskId is missing")
        return tuple(task_ids)

    def purge(self, paths: Sequence[MediaPath]) -> tuple[str, ...]:
        """Make the edge forget up to 100 files, in one call: the SDK sends them in the body.

        Returns the ids of the tasks.
        """
        _check(paths)
        reply = self._once(
            Client.refresh_object_caches_with_options,
            models.RefreshObjectCachesRequest(object_path="\n".join(paths), object_type="File"),
        )
        return reply.names("RefreshTaskId") or reply.unexpected("RefreshTaskId is missing")

    def tasks(self, task_id: str) -> tuple[CdnTaskFacts, ...]:
        """Return a task's URLs; the CDN remembers three days."""
        found: list[CdnTaskFacts] = []
        for page_number in range(1, MAX_TASK_PAGES + 1):
            reply = self._repeatable(
                Client.describe_refresh_tasks_with_options,
                models.DescribeRefreshTasksRequest(
                    task_id=task_id, page_number=page_number, page_size=TASK_PAGE_SIZE
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
            if len(page) < TASK_PAGE_SIZE:
                break
        return tuple(found)

    def quota(self) -> CdnQuota:
        """Return how many URLs may be sent today, and how many are left."""
        reply = self._repeatable(
            Client.describe_refresh_quota_with_options, models.DescribeRefreshQuotaRequest()
        )
        names = ("PreloadQuota", "PreloadRemain", "UrlQuota", "UrlRemain", "DirQuota", "DirRemain")
        for name in names:
            reply.required(name)
        return CdnQuota(*(reply.whole(name) for name in names))


def _check(paths: Sequence[MediaPath]) -> None:
    at_most(MAX_URLS, paths, "URLs")
    for path in paths:
        if not path or "\n" in path or len(path) > MAX_URL_CHARACTERS:
            raise ValueError(
                f"{path[:80]!r} is no host/path of 1 to {MAX_URL_CHARACTERS} characters."
            )
