"""The plain facts of a video, copied onto its row."""

from typing import Any, Final

from django.db.models import CharField

from shortvideo.cloud.types import MediaFacts
from shortvideo.text import folded
from videos.models import SnapshotStatus, Video

COPIED: Final = (
    "title",
    "description",
    "tags",
    "cate_id",
    "cate_name",
    "cover",
    "status",
    "audit_status",
    "size",
    "duration",
    "creation_time",
    "modification_time",
    "template_group_id",
)
# Zero means unknown: VOD analyses a source some time after its upload.
KNOWN_LATER: Final = ("size", "duration")
LENGTHS: Final = {
    field.name: field.max_length
    for field in Video._meta.get_fields()
    if isinstance(field, CharField) and field.max_length
}


def field_values(facts: MediaFacts) -> dict[str, Any]:
    """Return the row's values according to VOD, by field.

    An empty value in a search row means nothing: VOD does not list every field there.
    """
    values = {name: getattr(facts, name) for name in COPIED}
    silent = COPIED if facts.origin == "search" else KNOWN_LATER
    values = {
        name: fit_column(name, value)
        for name, value in values.items()
        if value is not None and (value or name not in silent)
    }
    if "title" in values:
        values["title_search"] = folded(values["title"])
    if facts.snapshots:
        values["snapshots"] = list(facts.snapshots)
        values["first_frame"] = fit_column("first_frame", facts.snapshots[0])
        values["snapshot_status"] = SnapshotStatus.SUCCESS
    return values


def fit_column(name: str, value: Any) -> Any:
    """Cut a text to the length of its column: VOD's own limits may grow."""
    return value[: LENGTHS.get(name)] if isinstance(value, str) else value


def has_changes(video: Video, facts: MediaFacts) -> bool:
    """Whether VOD's facts differ from the row."""
    return any(getattr(video, name) != value for name, value in field_values(facts).items())


def copy_facts(video: Video, facts: MediaFacts) -> None:
    for name, value in field_values(facts).items():
        setattr(video, name, value)
