"""What a clip shows and plays, in one list: whatever hides, purges, archives or proves asks it."""

from collections.abc import Mapping
from typing import Any, Final

MEDIA_FIELDS: Final = ("cover", "first_frame", "snapshots", "source_path", "files")
PLAYS: Final = "play"  # the kind of streams and source; all other kinds are pictures


def media_named_by(values: Mapping[str, Any]) -> list[dict[str, str]]:
    """What a video's fields name: objects of kind (cover, first_frame, snapshot, play) and path."""
    named = [(kind, values[kind]) for kind in ("cover", "first_frame")]
    named += [("snapshot", path) for path in values["snapshots"]]
    named += [(PLAYS, values["source_path"])]
    named += [(PLAYS, file["path"]) for file in values["files"]]
    return [{"kind": kind, "path": path} for kind, path in named if path]
