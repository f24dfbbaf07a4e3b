"""The CDN in our own terms: prefetch, purge, and how far they got."""

from collections.abc import Sequence
from typing import Self

from shortvideo.cloud.types import CdnQuota, CdnTaskFacts, MediaPath


class CdnGateway:
    def with_deadline(self, seconds: float) -> Self: ...
    def prefetch(self, paths: Sequence[MediaPath]) -> tuple[str, ...]: ...  # <= 100; task ids
    def purge(self, paths: Sequence[MediaPath]) -> tuple[str, ...]: ...  # <= 100; task ids
    def tasks(self, task_id: str) -> tuple[CdnTaskFacts, ...]: ...
    def quota(self) -> CdnQuota: ...
