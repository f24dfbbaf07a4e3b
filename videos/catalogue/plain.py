"""The plain path: the database counts and skips. For SQLite and small installations."""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from django.db.models import Model, Q, QuerySet

from shortvideo.text import folded
from videos.models import Video, VideoQuerySet

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class ListQuery:
    """Filters, combined with AND, and a page. Empty text and None ask for nothing."""

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

    @property
    def offset(self) -> int:
        return (self.page_index - 1) * self.page_size


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    rows: list[Row]
    total: int  # how many match the filters


def page_of(rows: QuerySet[Row], asked: ListQuery) -> Page[Row]:
    """One page and the exact total: two queries, one for a page past the end.

    A page number may be larger than any database's integer.
    """
    total = rows.count()
    if asked.offset >= total:
        return Page([], total)
    return Page(list(rows[asked.offset : asked.offset + asked.page_size]), total)


def filter_videos(asked: ListQuery) -> VideoQuerySet:
    """The visible videos that match, newest first."""
    videos = Video.objects.visible().filter(video_conditions(asked))
    if asked.title:
        videos = videos.titled_like(asked.title)
    if asked.updated_since is not None:
        videos = videos.filter(changed_at__gte=asked.updated_since)
    return videos.filter(time_range(asked, "creation_time")).newest_first()


def video_conditions(asked: ListQuery, prefix: str = "") -> Q:
    """The filters that mean the same in every list; `prefix` leads to the video."""
    wanted = {
        "vod_id": asked.vod_id,
        "uploader__user_id": asked.user_id,
        "uploader__name_search__contains": folded(asked.user_name),
        "censor_status": asked.censor_status,
    }
    return Q(**{f"{prefix}{lookup}": value for lookup, value in wanted.items() if value})


def time_range(asked: ListQuery, field: str) -> Q:
    bounds = {f"{field}__gte": asked.start_at, f"{field}__lt": asked.end_before}
    return Q(**{lookup: moment for lookup, moment in bounds.items() if moment is not None})
