"""One page of the catalogue: what is new or differs is read in full, then applied."""

import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from shortvideo.cloud import CloudRejected, vod_gateway
from shortvideo.cloud.retry import retrying
from shortvideo.cloud.types import Found, MediaFacts
from shortvideo.pacing import batched
from videos import mirror
from videos.mirror import Applied, Reading, asking
from videos.mirror.asking import ReadRequest
from videos.mirror.facts import has_changes
from videos.mirror.fetching import read_later
from videos.models import Video
from videos.services.source import has_source

CALLS_AT_ONCE: Final = 5

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PageResult:
    applied: Applied
    failed_count: int


def apply_page(
    listed: Sequence[MediaFacts], *, backlog_until: datetime | None, dry_run: bool
) -> PageResult:
    """Apply one page. A search row knows neither uploader nor template group, so what is not here
    yet, or is not as it was, is read once more in batches of 20.

    Raises CloudUnavailable, CloudRejected where the page cannot be read.
    """
    rows = asking.rows_by_vod_id(listed)
    full, unreadable = _read_in_full(
        [item.vod_id for item in listed if _is_news(rows.get(item.vod_id), item)]
    )
    readings: list[Reading] = []
    failed_count = len(unreadable)
    for item in listed:
        video = rows.get(item.vod_id)
        facts = full.get(item.vod_id)
        if facts is None and (video is None or _is_news(video, item)):
            continue  # gone since it was listed, or unreadable
        problem: CloudRejected | None = None
        try:
            reading = _complete_reading(video, facts or item, backlog_until)
            readings.append(reading)
            problem = next(iter(reading.refusals), None)
        except CloudRejected as error:
            problem = error
        if problem is not None:
            failed_count += 1
            logger.warning(
                "A video could not be read", extra={"vod_id": item.vod_id, "reason": str(problem)}
            )
    applied = mirror.apply(readings, backlog_until=backlog_until, dry_run=dry_run)
    if backlog_until is None and not dry_run:
        read_files_later(full.values())
    return PageResult(applied, failed_count)


def _is_news(video: Video | None, listed: MediaFacts) -> bool:
    if video is None:
        return True
    return video.deleted_at is None and has_changes(video, listed)


def _read_in_full(vod_ids: Sequence[str]) -> tuple[dict[str, MediaFacts], set[str]]:
    """The facts by id, several calls at a time; and the ids of those that make no sense."""
    if not vod_ids:
        return {}, set()
    gateway = vod_gateway()

    def ask(batch: list[str]) -> Found:
        return retrying(lambda: gateway.get_infos(batch))

    with ThreadPoolExecutor(CALLS_AT_ONCE) as pool:
        answers = list(pool.map(ask, batched(vod_ids, asking.BATCH_SIZE)))
    full = {facts.vod_id: facts for found in answers for facts in found.videos}
    return full, {vod_id for found in answers for vod_id in found.unreadable_ids}


def _complete_reading(
    video: Video | None, facts: MediaFacts, backlog_until: datetime | None
) -> Reading:
    """The facts, and what they make necessary to know: who decided it, when it was uploaded anew.

    Of what a first import brings nobody asks who decided it.

    Raises CloudUnavailable, CloudRejected.
    """
    if video is not None and video.deleted_at is not None:
        return Reading(facts)
    if video is None and backlog_until is not None:
        return Reading(facts)
    return retrying(lambda: asking.fetch_reading(facts, video, ReadRequest()))


def read_files_later(facts: Iterable[MediaFacts]) -> None:
    """Have the files read of what an event did not tell of."""
    ids = [item.vod_id for item in facts if has_source(item.status or "")]
    unread = Video.objects.visible().filter(vod_id__in=ids, files_read_at=None)
    for vod_id in unread.values_list("vod_id", flat=True):
        read_later(vod_id)
