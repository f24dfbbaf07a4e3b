"""All videos in order of CreationTime: stored rows merged with those of the catalogue."""

import heapq
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

from localvod import clock
from localvod.catalogue import LARGEST_EDIT_SECONDS, Catalogue
from localvod.match import Window
from localvod.store.videos import Video, from_row, known_ids

_CHUNK = 100
STORED, COMPUTED = 0, 1

SearchRow = dict[str, Any]


class Position(NamedTuple):
    """A place in the order of CreationTime; within a second, stored rows come first."""

    creation_time: str
    source: int
    key: str | int


def search_row(video: Video) -> SearchRow:
    """A stored video as a row of SearchMedia; its media are object keys, not URLs."""
    row: SearchRow = {
        "VideoId": video.id,
        "Title": video.title,
        "Description": video.description,
        "Tags": video.tags,
        "CateId": video.cate_id,
        "CoverURL": video.cover_url,
        "Status": video.status,
        "Size": video.size,
        "Duration": video.duration,
        "CreationTime": video.creation_time,
        "ModificationTime": video.modification_time,
        "Snapshots": list(video.snapshots),
        "SpriteSnapshots": list(video.sprites),
        "StorageLocation": video.storage_location,
        "AppId": video.app_id,
        "MediaSource": "general",
        "TranscodeMode": "FastTranscode" if video.template_group_id else "NoTranscode",
        "PreprocessStatus": "UnPreprocess",
        "DownloadSwitch": "on",
        "ReferenceId": video.reference_id,
        "StorageClass": "Standard",
    }
    return {name: value for name, value in row.items() if value is not None}


class Library:
    """All videos, as one call reads them."""

    def __init__(self, connection: sqlite3.Connection, catalogue: Catalogue | None) -> None:
        self._connection = connection
        self._catalogue = catalogue

    def walk(
        self,
        window: Window,
        *,
        descending: bool,
        after: Position | None = None,
        modified: Window = (None, None),
    ) -> Iterator[tuple[Position, SearchRow]]:
        """Yield the rows after a position whose CreationTime lies in the (closed) window.

        Rows outside `modified`, a window of ModificationTime, may be left out.
        """
        stored = self._walk_stored(window, modified, descending=descending, after=after)
        if self._catalogue is None:
            return stored
        narrowed = _narrow_window(window, modified)
        computed = self._walk_computed(
            self._catalogue, narrowed, descending=descending, after=after
        )
        return heapq.merge(stored, computed, key=lambda item: item[0], reverse=descending)

    def count(self, window: Window) -> int:
        """How many videos the (closed) window of CreationTime holds."""
        low, high = _bounds(window)
        row = self._connection.execute(
            "SELECT count(*) FROM videos WHERE creation_time BETWEEN ? AND ?", (low, high)
        ).fetchone()
        return int(row[0]) + self._computed_count(window)

    def _computed_count(self, window: Window) -> int:
        if self._catalogue is None:
            return 0
        indexes = self._catalogue.range_indexes(*window)
        rows = self._connection.execute(
            "SELECT id FROM videos UNION ALL SELECT id FROM deleted_videos"
        )
        replaced = (self._catalogue.index_of(row["id"]) for row in rows)
        return len(indexes) - sum(1 for index in replaced if index is not None and index in indexes)

    def _walk_stored(
        self, window: Window, modified: Window, *, descending: bool, after: Position | None
    ) -> Iterator[tuple[Position, SearchRow]]:
        bounds = (*_bounds(window), *_bounds(modified))
        comparison, order = ("<", "DESC") if descending else (">", "ASC")
        query = (
            "SELECT * FROM videos WHERE creation_time BETWEEN ? AND ? "
            "AND modification_time BETWEEN ? AND ? "
            f"AND (creation_time, id) {comparison} (?, ?) "
            f"ORDER BY creation_time {order}, id {order} LIMIT {_CHUNK}"
        )
        place = _stored_start(after, descending=descending)
        while rows := self._connection.execute(query, (*bounds, *place)).fetchall():
            for video in map(from_row, rows):
                yield Position(video.creation_time, STORED, video.id), search_row(video)
            place = (rows[-1]["creation_time"], rows[-1]["id"])

    def _walk_computed(
        self,
        catalogue: Catalogue,
        window: Window,
        *,
        descending: bool,
        after: Position | None,
    ) -> Iterator[tuple[Position, SearchRow]]:
        within = catalogue.range_indexes(*window)
        rest = _computed_rest(catalogue, within, descending=descending, after=after)
        for start in range(0, len(rest), _CHUNK):
            yield from self._computed_rows(catalogue, rest[start : start + _CHUNK])

    def _computed_rows(
        self, catalogue: Catalogue, indexes: range
    ) -> Iterator[tuple[Position, SearchRow]]:
        rows: list[SearchRow] = [catalogue.video(index) for index in indexes]
        replaced = known_ids(self._connection, (row["VideoId"] for row in rows))
        for index, row in zip(indexes, rows, strict=True):
            if row["VideoId"] not in replaced:
                yield Position(row["CreationTime"], COMPUTED, index), row


def _narrow_window(window: Window, modified: Window) -> Window:
    """The window of CreationTime of computed rows whose ModificationTime lies in `modified`."""
    (start, end), (modified_from, modified_to) = window, modified
    if modified_from is not None:
        earliest = modified_from - timedelta(seconds=LARGEST_EDIT_SECONDS)
        start = max(start, earliest) if start is not None else earliest
    if modified_to is not None:
        end = min(end, modified_to) if end is not None else modified_to
    return start, end


def _bounds(window: Window) -> tuple[str, str]:
    start, end = window
    return (clock.format_time(start) if start else "", clock.format_time(end) if end else "~")


def _stored_start(after: Position | None, *, descending: bool) -> tuple[str, str]:
    """Time and id after which stored rows follow; "~" sorts after every id and every time."""
    if after is None:
        return ("~", "~") if descending else ("", "")
    if after.source == STORED:
        return (after.creation_time, str(after.key))
    # Within a second stored rows come first: in ascending order they have been read.
    return (after.creation_time, "~")


def _computed_rest(
    catalogue: Catalogue, within: range, *, descending: bool, after: Position | None
) -> range:
    """The indexes that follow a position, in the order of the walk."""
    start, stop = within.start, within.stop
    if after is not None:
        if after.source == COMPUTED:
            cut = int(after.key) + (0 if descending else 1)
        else:
            cut = catalogue.range_indexes(clock.parse_time(after.creation_time), None).start
        start, stop = (start, min(stop, cut)) if descending else (max(start, cut), stop)
    rest = range(start, max(start, stop))
    return rest[::-1] if descending else rest
