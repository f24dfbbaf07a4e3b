"""The plain facts of a video, copied onto its row."""

from operator import attrgetter
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
COMPARED: Final = (*COPIED, "title_search", "snapshots", "first_frame", "snapshot_status")
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
    values = {
        name: fit_column(name, value)
        for name, value in zip(COPIED, _copied(facts), strict=True)
        if _is_told(name, value, facts)
    }
    if "title" in values:
        values["title_search"] = folded(values["title"])
    if facts.snapshots:
        values["snapshots"] = list(facts.snapshots)
        values["first_frame"] = fit_column("first_frame", facts.snapshots[0])
        values["snapshot_status"] = SnapshotStatus.SUCCESS
    return values


_copied = attrgetter(*COPIED)


def _is_told(name: str, value: Any, facts: MediaFacts) -> bool:
    if value:
        return True
    return value is not None and facts.origin != "search" and name not in KNOWN_LATER


def fit_column(name: str, value: Any) -> Any:
    """Cut a text to the length of its column: VOD's own limits may grow."""
    return value[: LENGTHS.get(name)] if isinstance(value, str) else value


def has_changes(video: Any, facts: MediaFacts) -> bool:
    """Whether a value of `field_values` differs from the row, a `Video` or one of `rows_for_list`.

    It runs for each video of the catalogue in each full sync: it makes no values to compare.
    """
    for name, told, kept in zip(COPIED, _copied(facts), _copied(video), strict=True):
        if told != kept and _is_told(name, told, facts) and fit_column(name, told) != kept:
            return True
    if _is_told("title", facts.title, facts) and video.title_search != folded(video.title):
        return True
    if not facts.snapshots:
        return False
    is_same: bool = (
        video.snapshots == list(facts.snapshots)
        and video.first_frame == fit_column("first_frame", facts.snapshots[0])
        and video.snapshot_status == SnapshotStatus.SUCCESS
    )
    return not is_same


def copy_facts(video: Video, facts: MediaFacts) -> None:
    for name, value in field_values(facts).items():
        setattr(video, name, value)
