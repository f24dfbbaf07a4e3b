"""The kinds of drift between the mirror and VOD, and how many there were of each."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

EXAMPLES_OF_EACH: Final = 20
TEXT_LENGTH: Final = 200


class Kind(TextChoices):
    MISSING_HERE = "missing_here", _("in VOD, not here")
    MISSING_THERE = "missing_there", _("here, not in VOD")
    FACTS = "facts", _("other facts in VOD")
    REVIEW = "review", _("other review result in VOD")
    FILES = "files", _("files unread, or others in VOD")
    JOB = "job", _("transcoding ended unheard")
    DELETION = "deletion", _("deleted here, still in VOD")
    RETURNED = "returned", _("was gone from VOD, is back")
    UNREADABLE = "unreadable", _("VOD's answer makes no sense")


class Resolution(StrEnum):
    LEFT = "left"
    HEALED = "healed"
    UNDER_WAY = "under_way"  # a delivery that mends it has been written


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference; `here` and `there` say in a few words what each side has."""

    kind: Kind
    vod_id: str
    here: str = ""
    there: str = ""
    outcome: Resolution = Resolution.LEFT
    note: str = ""

    def as_json(self) -> dict[str, str]:
        """An item of `ReconcileRun.examples`."""
        return {
            "kind": str(self.kind),
            "vod_id": self.vod_id,
            "here": self.here[:TEXT_LENGTH],
            "there": self.there[:TEXT_LENGTH],
            "outcome": str(self.outcome),
            "note": self.note,
        }


@dataclass(slots=True)
class Report:
    """What became of the drift so far."""

    outcomes: Counter[tuple[Kind, Resolution]] = field(default_factory=Counter)
    examples: list[Drift] = field(default_factory=list)

    def add(self, drift: Drift) -> None:
        self.outcomes[drift.kind, drift.outcome] += 1
        if sum(known.kind == drift.kind for known in self.examples) < EXAMPLES_OF_EACH:
            self.examples.append(drift)

    @property
    def found_count(self) -> int:
        return self.outcomes.total()

    @property
    def left_count(self) -> int:
        """What remains, with what is under way: nobody has seen it mended yet."""
        return self.found_count - sum(self.outcomes[kind, Resolution.HEALED] for kind in Kind)

    def counts(self) -> dict[str, dict[str, int]]:
        """`ReconcileRun.counts`: the kinds that were found, in the order of `Kind`."""
        found = {kind: sum(self.outcomes[kind, each] for each in Resolution) for kind in Kind}
        return {
            str(kind): {
                "found": found[kind],
                **{
                    str(each): self.outcomes[kind, each]
                    for each in (Resolution.HEALED, Resolution.UNDER_WAY, Resolution.LEFT)
                },
            }
            for kind in Kind
            if found[kind]
        }

    def examples_as_json(self) -> list[dict[str, Any]]:
        order = list(Kind)
        return [
            drift.as_json()
            for drift in sorted(self.examples, key=lambda one: order.index(one.kind))
        ]
