"""The plain path: COUNT and OFFSET. For SQLite and small installations."""

from typing import Final

from django.db.models import Q, QuerySet

from shortvideo.text import folded
from videos.catalogue.query import ListQuery, Page, Row, step_of
from videos.models import Video, VideoQuerySet

_DEEP: Final = 1_000  # rows


def page_of(rows: QuerySet[Row], query: ListQuery, *, id_field: str = "id") -> Page[Row]:
    """One page and the exact total, in two queries or three. A page past the end takes one.

    Such a page number may be larger than the database's integers. `id_field` has the video's id.
    """
    total = rows.count()
    if query.cursor is not None:
        after = rows.filter(**{f"{id_field}__gt": query.cursor}).order_by(id_field)
        return step_of(after, query.page_size, total, id_field=id_field)
    if query.offset >= total:
        return Page([], total)
    page = slice(query.offset, query.offset + query.page_size)
    if query.offset < _DEEP:
        return Page(list(rows[page]), total)
    # The rows that are skipped are not joined with their uploaders.
    ids = list(rows.values_list("pk", flat=True)[page])
    return Page(list(rows.filter(pk__in=ids)), total)


def page_ids(query: ListQuery) -> Page[int]:
    """The ids of one page of videos."""
    page = page_of(filter_videos(query).only("id"), query)
    return Page([video.pk for video in page.rows], page.total, page.next_cursor)


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
