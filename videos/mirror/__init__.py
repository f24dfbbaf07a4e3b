"""The mirror of VOD: one function writes what VOD says.

`apply` takes what a search page, a single fetch or an event's re-reading brought, compares it with
the rows and writes the difference. It is idempotent, never goes back in time (the clock is when
the read was sent), writes nothing when nothing changed, and never revives a deleted video:
that takes an operator (`restore`).
"""

from videos.mirror.media import write_files_of_deleted_video
from videos.mirror.reading import Applied, Reading
from videos.mirror.removal import remove_videos, undelete_found_video
from videos.mirror.writing import apply

__all__ = [
    "Applied",
    "Reading",
    "apply",
    "remove_videos",
    "undelete_found_video",
    "write_files_of_deleted_video",
]
