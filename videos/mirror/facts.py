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
# Zero is not yet known: a source is analysed some time after its upload.
KNOWN_LATER: Final = ("size", "duration")
LENGTHS: Final = {
    field.name: field.max_length
    for field in Video._meta.get_fields()
    if isinstance(field, CharField) and field.max_length
}


def field_values(facts: MediaFacts) -> dict[str, Any]:
    """What VOD says about the row, by field.

    In a search row an empty value says nothing: VOD leaves out what it does not list there.
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
    """Texts cut to what their column holds: VOD's limits are its own, and may grow."""
    return value[: LENGTHS.get(name)] if isinstance(value, str) else value


def has_changes(video: Video, facts: MediaFacts) -> bool:
    """Whether VOD says anything that the row does not say."""
    return any(getattr(video, name) != value for name, value in field_values(facts).items())


def copy_facts(video: Video, facts: MediaFacts) -> None:
    for name, value in field_values(facts).items():
        setattr(video, name, value)
