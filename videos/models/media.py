"""All media of a clip in one list, and whether any of them plays."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.db.models import Q

from shortvideo.cloud.types import VodStatus

FILE_FIELDS: Final = (  # of an item of `Video.files`, which also has `created_at`
    "path", "definition", "format", "width", "height", "bitrate", "fps", "size", "duration",
    "codec", "is_narrowband", "job_id",
)  # fmt: skip
MEDIA_FIELDS: Final = ("cover", "first_frame", "snapshots", "source_path", "files")
PLAYS: Final = "play"  # the kind of streams and the source; all other kinds are pictures
PLAYABILITY_FIELDS: Final = ("status", "files", "source_path", "files_read_at")
DAMAGED: Final = (VodStatus.UPLOAD_FAIL, VodStatus.TRANSCODE_FAIL, VodStatus.PRODUCE_FAIL)
UNFINISHED: Final = ("", VodStatus.UPLOADING, VodStatus.UPLOAD_SUCC, VodStatus.TRANSCODING)


def media_named_by(values: Mapping[str, Any]) -> list[dict[str, str]]:
    """The media in these fields: objects of kind (cover, first_frame, snapshot, play) and path."""
    media = [(kind, values[kind]) for kind in ("cover", "first_frame")]
    media += [("snapshot", path) for path in values["snapshots"]]
    media += [(PLAYS, values["source_path"])]
    media += [(PLAYS, file["path"]) for file in values["files"]]
    return [{"kind": kind, "path": path} for kind, path in media if path]


def is_unplayable(values: Mapping[str, Any]) -> bool:
    """Whether it is known that there is no file to play. `values` has PLAYABILITY_FIELDS.

    VOD plays nothing that it blocks, even if an approval is on its way. Else a stream plays, and
    the source unless VOD could not read it. Files that were never read are not known to be
    missing, once VOD has finished the upload.
    """
    if values["status"] == VodStatus.BLOCKED:
        return True
    if values["files"]:
        return False
    if values["status"] in DAMAGED:
        return True
    is_none_known = values["status"] in UNFINISHED or values["files_read_at"] is not None
    return is_none_known and not values["source_path"]


def unplayable(prefix: str = "") -> Q:
    """The condition of `is_unplayable` on the rows of a query; `prefix` leads to the video."""
    is_blocked = Q((f"{prefix}status", VodStatus.BLOCKED))
    is_source_unknown = Q((f"{prefix}source_path", ""))
    is_unfinished = Q((f"{prefix}status__in", UNFINISHED))
    is_read = Q((f"{prefix}files_read_at__isnull", False))
    is_damaged = Q((f"{prefix}status__in", DAMAGED))
    is_without_stream = Q((f"{prefix}files", []))
    is_without_source = is_source_unknown & (is_unfinished | is_read)
    return is_blocked | (is_without_stream & (is_damaged | is_without_source))


def newest_of_each_definition(files: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The files without those that a later transcoding of the same definition replaced.

    The order stays. Of files that were stored without their time all stay.
    """
    listed = list(files)
    newest = {_definition(file): file for file in sorted(listed, key=created_at)}
    return [
        file
        for file in listed
        if file is newest[_definition(file)] or not created_at(newest[_definition(file)])
    ]


def _definition(file: Mapping[str, Any]) -> tuple[str, bool]:
    """VOD may give a Narrowband HD stream the name of a standard definition."""
    return file["definition"], file["is_narrowband"]


def created_at(file: Mapping[str, Any]) -> str:
    """When VOD made a file, as text that sorts by time; '' if it was stored without."""
    return str(file.get("created_at", ""))
