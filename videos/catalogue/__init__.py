"""A page and a total from validated filters.

`filter_videos` chooses rows, `page_of` cuts one page and counts. Nothing else knows how a page is
found: see `plain`.
"""

from videos.catalogue.plain import (
    ListAsked,
    Page,
    about_video,
    filter_videos,
    page_of,
    within,
)

__all__ = ["ListAsked", "Page", "about_video", "filter_videos", "page_of", "within"]
