"""The mirror of VOD: one function, `apply`, writes what VOD says.

`apply` compares readings with the rows and writes the difference. It is idempotent, never goes back
in time (its clock is when the read was sent), and writes nothing if nothing changed. It never
undeletes a video: only an operator's request does (`undelete_found_video`).
"""

from videos.mirror.media import (
    names_new_files,
    write_files_of_deleted_video,
    write_reported_pictures,
)
from videos.mirror.reading import Applied, Reading
from videos.mirror.removal import remove_videos, undelete_found_video
from videos.mirror.writing import apply
