"""The inbox: rows that need an operator. Apps register lines; every page of the desk counts them.

    inbox.register(
        Concern(
            name="jobs",
            label=_("Failed transcoding jobs"),
            hint=_("failed, refused or stuck"),
            permission="videos.transcode_video",
            rows=lambda: TranscodeJob.objects.needing_attention(),
            url=lambda: reverse("admin:videos_transcodejob_changelist", query={...}),
        )
    )

A row leaves the inbox when it is retried, replaced by a newer one, or dismissed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import CharField, Count, QuerySet, Value
from django.utils.functional import Promise, cached_property


@dataclass(frozen=True, slots=True)
class Concern:
    """One line of the inbox.

    Attributes:
        name: unique among all concerns.
        label, hint: the name of the rows, and a short explanation.
        permission: required to see the line; the one for retrying or dismissing the rows.
        rows: the rows to count, on every page: a partial index must hold exactly these.
        url: the list of these rows.
        kinds: kinds of deliveries that these rows represent. Failed deliveries of these kinds are
            not counted among the deliveries.
    """

    name: str
    label: str | Promise
    hint: str | Promise
    permission: str
    rows: Callable[[], QuerySet[Any]]
    url: Callable[[], str]
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    concern: Concern
    count: int


_concerns: dict[str, Concern] = {}


def register(concern: Concern) -> None:
    """Add a line, or replace the line of this name. Admin modules call it at import."""
    _concerns[concern.name] = concern


def delivery_kinds() -> frozenset[str]:
    """Return the kinds of deliveries that lines of the inbox represent."""
    return frozenset(kind for concern in _concerns.values() for kind in concern.kinds)


class Inbox:
    """The lines of one operator, counted in one query at the first use."""

    def __init__(self, user: AbstractBaseUser | AnonymousUser) -> None:
        self._user: Any = user

    @cached_property
    def concerns(self) -> list[Concern]:
        return [item for item in _concerns.values() if self._user.has_perm(item.permission)]

    @cached_property
    def lines(self) -> list[Line]:
        counts = _count_rows(self.concerns)
        return [Line(concern, counts[concern.name]) for concern in self.concerns]

    @cached_property
    def count(self) -> int:
        return sum(line.count for line in self.lines)

    def __iter__(self) -> Iterator[Line]:
        return iter(self.lines)


def _count_rows(concerns: list[Concern]) -> dict[str, int]:
    """Return the number of rows of each concern, by its name."""
    if not concerns:
        return {}
    first, *others = (
        concern.rows()
        .order_by()
        .values(line=Value(concern.name, output_field=CharField()))
        .annotate(count=Count("pk"))
        .values_list("line", "count")
        for concern in concerns
    )
    return {concern.name: 0 for concern in concerns} | dict(first.union(*others, all=True))
