"""The plain path: COUNT and OFFSET. For SQLite and small installations."""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from django.db.models import Model, Q, QuerySet

from shortvideo.text import folded
from videos.models import Video, VideoQuerySet

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class ListQuery:
    """Filters, combined with AND, and a page. Empty text and None filter nothing.

    With a cursor, a video's id, the page is a step of a walk: the rows after it, ordered by id.
    """

    page_index: int = 1
    page_size: int = 10
    vod_id: str = ""
    user_id: str = ""
    title: str = ""
    user_name: str = ""
    start_at: datetime | None = None
    end_before: datetime | None = None
    censor_status: str = ""
    updated_since: datetime | None = None
    cursor: int | None = None

    @property
    def offset(self) -> int:
        return (self.page_index - 1) * self.page_size


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    rows: list[Row]
    total: int  # rows that match the filters
    next_cursor: int | None = None  # None: a walk ends here, or there is none


def page_of(rows: QuerySet[Row], query: ListQuery, *, id_field: str = "id") -> Page[Row]:
    """One page and the exact total, in two queries. A page past the end takes one.

    Such a page number may be larger than the database's integers. `id_field` has the video's id.
    """
    total = rows.count()
    if query.cursor is not None:
        return _step_of(rows, query.cursor, query.page_size, total, id_field)
    if query.offset >= total:
        return Page([], total)
    return Page(list(rows[query.offset : query.offset + query.page_size]), total)


def _step_of(rows: QuerySet[Row], cursor: int, size: int, total: int, id_field: str) -> Page[Row]:
    """One step of a walk. No change moves a row to another place: ids stay."""
    after = rows.filter(**{f"{id_field}__gt": cursor}).order_by(id_field)
    step = list(after[: size + 1])
    has_more = len(step) > size
    return Page(step[:size], total, getattr(step[size - 1], id_field) if has_more else None)


def filter_videos(query: ListQuery) -> VideoQuerySet:
    """The visible videos that match, newest first."""
    videos = Video.objects.visible().filter(video_conditions(query))
    if query.title:
        videos = videos.titled_like(query.title)
    if query.updated_since is not None:
        videos = videos.filter(changed_at__gte=query.updated_since)
    return videos.filter(time_range(query, "creation_time")).newest_first()


def video_conditions(query: ListQuery, prefix: str = "") -> Q:
    """The filters that mean the same in every list; `prefix` leads to the video."""
    lookups = {
        "vod_id": query.vod_id,
        "uploader__user_id": query.user_id,
        "uploader__name_search__contains": folded(query.user_name),
        "censor_status": query.censor_status,
    }
    return Q(**{f"{prefix}{lookup}": value for lookup, value in lookups.items() if value})


def time_range(query: ListQuery, field: str) -> Q:
    bounds = {f"{field}__gte": query.start_at, f"{field}__lt": query.end_before}
    return Q(**{lookup: moment for lookup, moment in bounds.items() if moment is not None})
