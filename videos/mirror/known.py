"""Rows as far as readings are compared with them: most readings change nothing.

A named tuple of few columns costs a third of a `Video`.
"""

from collections import namedtuple
from collections.abc import Iterable
from typing import Any, Final

from shortvideo.listed import ListedQuery
from videos.mirror.facts import COMPARED
from videos.models import Video

_COLUMNS: Final = (
    *COMPARED, "vod_id", "deleted_at", "censor_status", "source_version", "source_uploaded_after",
)  # fmt: skip
# What a video's own facts are compared with, but not those of a list.
_OWN: Final = ("read_at", "uploader__user_id")


class _Rows:
    """Named tuples of these columns."""

    def __init__(self, columns: tuple[str, ...]) -> None:
        self._query = ListedQuery(
            lambda ids: Video.objects.filter(vod_id__in=ids).values_list(*columns)
        )
        self._row: Any = namedtuple("KnownVideo", columns)  # type: ignore[misc]  # computed names

    def by_id(self, vod_ids: Iterable[str]) -> dict[str, Any]:
        rows = map(self._row._make, self._query.rows(list(vod_ids)))
        return {row.vod_id: row for row in rows}


# Both return, by VOD id, what is known of the videos that have a row.
rows_for_list: Final = _Rows(_COLUMNS).by_id
rows_for_facts: Final = _Rows((*_COLUMNS, *_OWN)).by_id
