"""Lists: one page and a total from validated filters.

`filter_videos` chooses rows; `page_of` returns one page of them and the total.
"""

from videos.catalogue.plain import (
    ListQuery,
    Page,
    filter_videos,
    page_of,
    time_range,
    video_conditions,
)
