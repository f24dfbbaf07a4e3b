"""Walk VOD's catalogue page by page, from the oldest video to the newest.

A walk's position is a time, not a token: VOD's tokens expire, a time can be stored.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from shortvideo.cloud import CloudRejected, CloudUnavailable, vod_gateway
from shortvideo.cloud.retry import retrying
from shortvideo.cloud.types import MediaFacts, SearchPage

PAGE_SIZE: Final = 100
MAX_PAGES: Final = 50  # of 100: what VOD reaches by page number
TOKEN_EXPIRED: Final = "InvalidScrollToken.Expired"  # noqa: S105 - an error code


@dataclass(slots=True)
class Walk:
    """The window of a walk, and its position.

    Attributes:
        by: the time that orders the videos.
        until: the end of the walk (exclusive).
        position: the time of the last video so far (inclusive start of the next walk).
        rest_count: number of videos from the current page on.
    """

    by: Literal["CreationTime", "ModificationTime"]
    until: datetime
    position: datetime | None = None
    rest_count: int = 0

    def moment_of(self, facts: MediaFacts) -> datetime | None:
        return facts.creation_time if self.by == "CreationTime" else facts.modification_time


def pages(walk: Walk) -> Iterator[SearchPage]:
    """Yield the pages from the walk's position on.

    If a walk by token ends too early, another one starts at its position: videos of that second
    are then listed twice. Raises CloudUnavailable, CloudRejected.
    """
    while True:
        start = walk.position
        walked = total = 0
        for page in _walk_by_token(walk, start):
            total = total or page.total
            walk.rest_count = total - walked
            walked += page.row_count
            if page.videos:
                walk.position = walk.moment_of(page.videos[-1]) or walk.position
            yield page
        if walked >= total:
            return
        if walk.position == start:
            raise CloudUnavailable(f"VOD listed {walked} of {total} videos, and no more of them.")


def _walk_by_token(walk: Walk, start: datetime | None) -> Iterator[SearchPage]:
    """Walk by token to the end of the window, to VOD's limit, or until the token expires.

    Without a token the next page is asked for by its number; also if the token expires while all
    videos so far have the same time: another walk would start at the same position.
    """
    token, page_no = "", 1
    while True:
        try:
            page = retrying(lambda: _search(walk, start, page_no, token))  # noqa: B023 - called at once
        except CloudRejected as error:
            if error.code != TOKEN_EXPIRED or not token:
                raise
            if walk.position != start:
                return  # the next walk starts at the new position
            token = ""
            if page_no > MAX_PAGES:
                raise
            continue
        yield page
        token, page_no = page.scroll_token, page_no + 1
        if page.row_count < PAGE_SIZE or (not token and page_no > MAX_PAGES):
            return


def _search(walk: Walk, start: datetime | None, page_no: int, token: str) -> SearchPage:
    is_by_creation = walk.by == "CreationTime"
    return vod_gateway().search(
        created_from=start if is_by_creation else None,
        created_before=walk.until if is_by_creation else None,
        modified_from=None if is_by_creation else start,
        modified_before=None if is_by_creation else walk.until,
        sort_by=walk.by,
        page_no=page_no,
        page_size=PAGE_SIZE,
        scroll_token=token,
    )
