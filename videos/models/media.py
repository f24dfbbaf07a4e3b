"""All media of a clip in one list, for purging, archiving and verifying."""

from collections.abc import Mapping
from typing import Any, Final

FILE_FIELDS: Final = (  # of an item of `Video.files`
    "path", "definition", "format", "width", "height", "bitrate", "fps", "size", "duration",
    "codec", "is_narrowband", "job_id",
)  # fmt: skip
MEDIA_FIELDS: Final = ("cover", "first_frame", "snapshots", "source_path", "files")
PLAYS: Final = "play"  # the kind of streams and the source; all other kinds are pictures


def media_named_by(values: Mapping[str, Any]) -> list[dict[str, str]]:
    """The media in these fields: objects of kind (cover, first_frame, snapshot, play) and path."""
    media = [(kind, values[kind]) for kind in ("cover", "first_frame")]
    media += [("snapshot", path) for path in values["snapshots"]]
    media += [(PLAYS, values["source_path"])]
    media += [(PLAYS, file["path"]) for file in values["files"]]
    return [{"kind": kind, "path": path} for kind, path in media if path]
