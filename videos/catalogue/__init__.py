"""Lists: one page and a total from validated filters.

`filter_videos` chooses rows; `page_of` returns one page of them and the total. `page_ids` is for
those who read the rows of videos themselves.

`plain` is for every database and list, `postgresql` for the list of videos there.
"""

from django.db import connection
from django.db.models import QuerySet

from videos.catalogue import plain, postgresql
from videos.catalogue.counts import compact
from videos.catalogue.plain import filter_videos, time_range, video_conditions
from videos.catalogue.query import ListQuery, Page, Row
from videos.models import Video


def page_of(rows: QuerySet[Row], query: ListQuery, *, id_field: str = "id") -> Page[Row]:
    """One page and the exact total. A page past the end is empty.

    Args:
        rows: all rows of the query, for videos `filter_videos(query)`, with any columns.
        id_field: the field that has the video's id.
    """
    if rows.model is Video and connection.vendor == "postgresql":
        return postgresql.page_of(rows, query)
    return plain.page_of(rows, query, id_field=id_field)


def page_ids(query: ListQuery) -> Page[int]:
    """The ids of one page of videos, newest first, and the exact total."""
    if connection.vendor == "postgresql":
        return postgresql.page_ids(query)
    return plain.page_ids(query)
