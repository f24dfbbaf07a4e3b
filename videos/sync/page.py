"""One page of the catalogue: videos that are new or changed are read in full, then applied."""

import logging
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, Final

from shortvideo.cloud import vod_gateway
from shortvideo.cloud.retry import retrying
from shortvideo.cloud.types import Found, MediaFacts
from shortvideo.pacing import batched
from videos import mirror
from videos.mirror import Applied, Reading, asking
from videos.mirror.asking import ReadRequest
from videos.mirror.facts import has_changes
from videos.mirror.fetching import read_later
from videos.mirror.known import rows_for_list
from videos.models import Video

CALLS_AT_ONCE: Final = 5

logger = logging.getLogger(__name__)


def apply_page(
    listed: Sequence[MediaFacts], *, backlog_until: datetime | None, dry_run: bool
) -> tuple[Applied, int]:
    """Apply one page of search rows. Returns the counts, and the number of failed videos.

    A search row knows neither uploader nor template group, so new and changed videos are read
    again in batches of 20. Raises CloudUnavailable, or CloudRejected if a batch is refused.
    """
    known = rows_for_list(item.vod_id for item in listed)
    news: set[str] = set()
    doubtful: list[MediaFacts] = []
    for item in listed:
        row = known.get(item.vod_id)
        if _is_news(row, item):
            news.add(item.vod_id)
        elif not asking.may_need_more(row, item):
            continue
        doubtful.append(item)
    full, failed_count = _read_in_full(news)
    rows = asking.rows_by_vod_id(item for item in doubtful if item.vod_id in known)
    readings: list[Reading] = []
    for item in doubtful:
        facts = full.get(item.vod_id) if item.vod_id in news else item
        if facts is None:
            continue  # deleted since VOD listed it, or unreadable
        video = rows.get(item.vod_id)
        result = asking.read_video(facts, video, _request_for(video, backlog_until))
        if result.reading is not None:
            readings.append(result.reading)
        if result.errors:
            failed_count += 1
            logger.warning(
                "A video could not be read",
                extra={"vod_id": item.vod_id, "reason": str(result.errors[0])},
            )
    applied = mirror.apply(
        readings,
        unknown_ids=news.difference(known),
        backlog_until=backlog_until,
        dry_run=dry_run,
    )
    if backlog_until is None and not dry_run:
        # No event told of these videos: read the rest about those that had no files until now.
        unread = [vod_id for vod_id in full if vod_id not in rows or not rows[vod_id].files]
        read_later(*unread, only_uploaded=True)
    if not dry_run:  # the change may be a file that must be purged
        read_later(*(vod_id for vod_id in full if vod_id in rows and rows[vod_id].is_closed))
    return applied, failed_count


def _is_news(known: Any, listed: MediaFacts) -> bool:
    """Whether a listed video differs from its row (of `rows_for_list`), or has none."""
    if known is None:
        return True
    return known.deleted_at is None and has_changes(known, listed)


def _read_in_full(vod_ids: Collection[str]) -> tuple[dict[str, MediaFacts], int]:
    """Return the facts by id and the number of unreadable videos; several calls run at a time."""
    if not vod_ids:
        return {}, 0
    gateway = vod_gateway()

    def ask(batch: list[str]) -> Found:
        return retrying(lambda: gateway.get_infos(batch))

    # Threads of this page: memory that long-lived threads free is not reused by others.
    with ThreadPoolExecutor(CALLS_AT_ONCE) as pool:
        answers = list(pool.map(ask, batched(vod_ids, asking.BATCH_SIZE)))
    full = {facts.vod_id: facts for found in answers for facts in found.videos}
    return full, sum(len(found.unreadable_ids) for found in answers)


def _request_for(video: Video | None, backlog_until: datetime | None) -> ReadRequest | None:
    """None (facts only) for a deleted video, and for a new one in a first import."""
    is_backlog = video is None and backlog_until is not None
    is_deleted = video is not None and video.deleted_at is not None
    return None if is_backlog or is_deleted else ReadRequest()
