"""A page and a total from validated filters.

`filter_videos` chooses rows, `page_of` cuts one page and counts. Nothing else knows how a page is
found: see `plain`.
"""

from videos.catalogue.plain import (
    ListQuery,
    Page,
    filter_videos,
    page_of,
    time_range,
    video_conditions,
)

__all__ = [
    "ListQuery",
    "Page",
    "filter_videos",
    "page_of",
    "time_range",
    "video_conditions",
]
