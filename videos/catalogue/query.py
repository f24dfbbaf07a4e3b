"""What is asked of a list, and what it answers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from django.db.models import Model, QuerySet

Item = TypeVar("Item")
Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True, slots=True)
class ListQuery:
    """Filters, combined with AND, and a page. Empty text and None filter nothing.

    With a cursor, a video's id, the page is a step of a walk: the rows after it, ordered by id.
    """

    page_index: int = 1
    page_size: int = 10
    vod_id: str = ""
    user_id: str = ""
    title: str = ""
    user_name: str = ""
    start_at: datetime | None = None
    end_before: datetime | None = None
    censor_status: str = ""
    updated_since: datetime | None = None
    cursor: int | None = None

    @property
    def offset(self) -> int:
        return (self.page_index - 1) * self.page_size

    @property
    def has_times(self) -> bool:
        return self.start_at is not None or self.end_before is not None


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    rows: list[Item]
    total: int  # rows that match the filters
    next_cursor: int | None = None  # None: a walk ends here, or there is none


def step_of(after: QuerySet[Row], size: int, total: int, *, id_field: str = "id") -> Page[Row]:
    """One step of a walk; `after` has the rows after the cursor. No change moves one: ids stay."""
    step = list(after[: size + 1])
    has_more = len(step) > size
    return Page(step[:size], total, getattr(step[size - 1], id_field) if has_more else None)
