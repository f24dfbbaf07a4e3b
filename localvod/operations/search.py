"""SearchMedia: pages of videos by Match, SortBy, PageNo or ScrollToken."""

import itertools
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from localvod import clock
from localvod.cloud import Cloud
from localvod.errors import ApiError, invalid_parameter
from localvod.library import Library, Position, SearchRow, search_row
from localvod.match import All, Expression, MatchSyntaxError, Window, Within, parse_match
from localvod.operations.registry import Answer, Call, operation
from localvod.scrolls import Scroll

REACH_BY_PAGE = 5_000
LAST_PAGE_BY_NUMBER = 200
REACH_BY_SCROLL = 2_000_000
LARGEST_JUMP = 100
SORT_FIELDS = ("CreationTime", "ModificationTime")
EVERYTHING: Expression = All(())

Found = tuple[Position, SearchRow]


@dataclass(frozen=True, slots=True)
class Search:
    """One search: its expression, order and page size."""

    match: str
    sort_by: str
    page_size: int
    expression: Expression
    order: tuple[tuple[str, bool], ...]
    """Pairs of sort field and is-descending."""

    @property
    def is_indexed(self) -> bool:
        """Whether an index reads the rows in order."""
        is_by_creation = len(self.order) == 1 and self.order[0][0] == "CreationTime"
        return is_by_creation and self.expression.video_ids() is None


@operation("SearchMedia", qps=50)
def search_media(cloud: Cloud, connection: sqlite3.Connection, call: Call) -> Answer:
    """One page of videos; empty for other media types."""
    kind = call.parameters.choice("SearchType", "video", "video", "audio", "image", "attached")
    search = _parse_search(call)
    scroll = _find_scroll(cloud, call, search)
    page_no = _parse_page_no(call, search, scroll)
    if kind != "video":
        return {"Total": 0, "MediaList": []}
    library = Library(connection, cloud.videos.catalogue)
    page: list[Found] = []
    if scroll is not None and page_no * search.page_size > REACH_BY_SCROLL:
        total = scroll.total
    elif search.is_indexed:
        page, total = _indexed_page(library, search, scroll, page_no)
    else:
        found = _sort(search, _candidates(cloud, connection, library, search))
        page = found[(page_no - 1) * search.page_size : page_no * search.page_size]
        total = len(found)
    answer: Answer = {"Total": total, "MediaList": _media_list(cloud, call, page)}
    if page:
        place = Scroll(search.match, search.sort_by, search.page_size, page_no, page[-1][0], total)
        answer["ScrollToken"] = cloud.scrolls.issue(place)
    return answer


def _parse_search(call: Call) -> Search:
    match, sort_by = call.parameters.text("Match"), call.parameters.text("SortBy")
    size = call.parameters.integer("PageSize", 10, least=1, most=100)
    try:
        expression = parse_match(match) if match.strip() else EVERYTHING
    except MatchSyntaxError as error:
        raise ApiError("ErrorMatchSyntax", 400, str(error)) from error
    return Search(match, sort_by, size, expression, _parse_order(sort_by or "CreationTime:Desc"))


def _parse_order(sort_by: str) -> tuple[tuple[str, bool], ...]:
    order = []
    for part in sort_by.split(","):
        name, _, direction = part.strip().partition(":")
        if name not in SORT_FIELDS or direction not in ("Desc", "Asc", ""):
            fields = " and ".join(SORT_FIELDS)
            raise invalid_parameter("SortBy", f"fields are {fields}, each with :Desc or :Asc")
        order.append((name, direction != "Asc"))
    if len(order) > 3:
        raise ApiError("SortByExceededMax", 400, "SortBy takes at most 3 fields.")
    return tuple(order)


def _find_scroll(cloud: Cloud, call: Call, search: Search) -> Scroll | None:
    """The position of the call's ScrollToken, if any. Raises ApiError if the search differs."""
    token = call.parameters.text("ScrollToken")
    if not token:
        return None
    if len(search.order) > 1:
        raise ApiError("SortByExceededMax", 400, "A walk by ScrollToken takes one sort field.")
    scroll = cloud.scrolls.find(token)
    given = (search.match, search.sort_by, search.page_size)
    if given != (scroll.match, scroll.sort_by, scroll.page_size):
        raise invalid_parameter(
            "ScrollToken", "Match, SortBy and PageSize must stay the same throughout a walk"
        )
    return scroll


def _parse_page_no(call: Call, search: Search, scroll: Scroll | None) -> int:
    """The number of the page. Raises ApiError if it is out of reach."""
    default = 1 if scroll is None else scroll.page + 1
    page = call.parameters.integer("PageNo", default, least=1, most=REACH_BY_SCROLL)
    if scroll is None:
        if page * search.page_size > REACH_BY_PAGE:
            reach = f"without ScrollToken only the first {REACH_BY_PAGE} videos can be reached"
            raise invalid_parameter("PageNo", reach)
        if page > LAST_PAGE_BY_NUMBER:
            reach = f"pages beyond {LAST_PAGE_BY_NUMBER} need a ScrollToken"
            raise invalid_parameter("PageNo", reach)
        return page
    jump = (page - scroll.page + 1) * search.page_size
    if page <= scroll.page or (page != scroll.page + 1 and jump > LARGEST_JUMP):
        raise invalid_parameter(
            "PageNo",
            f"the ScrollToken stands at page {scroll.page}; ask for the next page, "
            f"or one at most {LARGEST_JUMP} videos further",
        )
    return page


def _indexed_page(
    library: Library, search: Search, scroll: Scroll | None, page_no: int
) -> tuple[list[Found], int]:
    """A page in order of CreationTime, read from the position of the walk, and the total."""
    after, page_before = (None, 0) if scroll is None else (scroll.position, scroll.page)
    skip = (page_no - page_before - 1) * search.page_size
    window, descending = search.expression.creation_window(), search.order[0][1]
    modified = _modification_window(search.expression)
    rows = _matching(
        search.expression,
        library.walk(window, descending=descending, after=after, modified=modified),
    )
    page = list(itertools.islice(rows, skip, skip + search.page_size))
    return page, _count_matches(library, search) if scroll is None else scroll.total


def _candidates(
    cloud: Cloud, connection: sqlite3.Connection, library: Library, search: Search
) -> Iterator[Found]:
    """All matching rows, in no particular order."""
    ids = search.expression.video_ids()
    if ids is None:
        window = search.expression.creation_window()
        rows = library.walk(
            window, descending=True, modified=_modification_window(search.expression)
        )
        return _matching(search.expression, rows)
    return _by_id(cloud, connection, search, ids)


def _matching(expression: Expression, rows: Iterable[Found]) -> Iterator[Found]:
    if expression is EVERYTHING:
        return iter(rows)
    return (item for item in rows if expression.matches(item[1]))


def _by_id(
    cloud: Cloud, connection: sqlite3.Connection, search: Search, ids: Iterable[str]
) -> Iterator[Found]:
    for video_id in sorted(ids):
        video = cloud.videos.find(connection, video_id)
        row = search_row(video) if video else {}
        if row and search.expression.matches(row):
            yield Position(row["CreationTime"], 0, video_id), row


def _sort(search: Search, rows: Iterable[Found]) -> list[Found]:
    """Sort in memory: for few rows, and for orders without an index."""
    found = sorted(rows, key=lambda item: item[0])
    for name, descending in reversed(search.order):
        # Python's sort is stable, also in reverse: sort by the last field first.
        found.sort(key=lambda item: str(item[1][name]), reverse=descending)
    return found


def _count_matches(library: Library, search: Search) -> int:
    """The exact number of matches, counted by index if possible, else row by row."""
    expression = search.expression
    window = expression.creation_window()
    if not _is_window(expression):
        rows = library.walk(window, descending=True, modified=_modification_window(expression))
        return sum(1 for _ in _matching(expression, rows))
    # The window includes its ends. If the Match excludes an end, subtract that second's rows.
    left_out = 0
    for end in {moment for moment in window if moment is not None}:
        at_end = library.walk((end, end), descending=True)
        left_out += sum(1 for _, row in at_end if not expression.matches(row))
    return library.count(window) - left_out


def _modification_window(expression: Expression) -> Window:
    """The closed window of ModificationTime that contains all matches."""
    if isinstance(expression, Within) and expression.field == "ModificationTime":
        return clock.parse_time(str(expression.low)), clock.parse_time(str(expression.high))
    if not isinstance(expression, All):
        return None, None
    windows = [_modification_window(part) for part in expression.parts]
    starts = [start for start, _ in windows if start is not None]
    ends = [end for _, end in windows if end is not None]
    return max(starts, default=None), min(ends, default=None)


def _is_window(expression: Expression) -> bool:
    """Whether the expression has only ranges of CreationTime, joined by `and`."""
    if isinstance(expression, All):
        return all(_is_window(part) for part in expression.parts)
    return isinstance(expression, Within) and expression.field == "CreationTime"


def _media_list(cloud: Cloud, call: Call, page: Iterable[Found]) -> list[Answer]:
    fields = set(call.parameters.items("Fields"))
    return [_media(cloud, row, fields) for _, row in page]


def _media(cloud: Cloud, row: SearchRow, fields: set[str]) -> Answer:
    video: dict[str, Any] = {
        name: row[name]
        for name in _VIDEO_FIELDS
        if name in row and (name in fields or name in _ALWAYS)
    }
    if "CoverURL" in video:
        video["CoverURL"] = cloud.urls.signed(video["CoverURL"])
    for name in ("Snapshots", "SpriteSnapshots"):
        if name in video:
            video[name] = [cloud.urls.signed(target) for target in video[name]]
    return {
        "MediaId": row["VideoId"],
        "MediaType": "video",
        "CreationTime": row["CreationTime"],
        "Video": video,
    }


_ALWAYS = frozenset({"VideoId", "CreationTime"})
_VIDEO_FIELDS = [
    "VideoId",
    "Title",
    "Description",
    "Tags",
    "CateId",
    "CateName",
    "CoverURL",
    "Status",
    "Size",
    "Duration",
    "CreationTime",
    "ModificationTime",
    "Snapshots",
    "SpriteSnapshots",
    "StorageLocation",
    "AppId",
    "MediaSource",
    "TranscodeMode",
    "PreprocessStatus",
    "DownloadSwitch",
    "ReferenceId",
    "StorageClass",
]
