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
    FACTS = "facts", _("details differ")
    REVIEW = "review", _("review results differ")
    FILES = "files", _("files unread or different")
    JOB = "job", _("missed transcoding result")
    DELETION = "deletion", _("deleted here, still in VOD")
    RETURNED = "returned", _("reappeared in VOD")
    UNREADABLE = "unreadable", _("unreadable answer from VOD")


class Resolution(StrEnum):
    HEALED = "healed"
    UNDER_WAY = "under_way"  # a delivery that heals it has been written
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference; `here` and `there` describe what each side has."""

    kind: Kind
    vod_id: str
    here: str = ""
    there: str = ""
    outcome: Resolution = Resolution.LEFT
    note: str = ""

    def as_json(self) -> dict[str, str]:
        """Return an item of `ReconcileRun.examples`."""
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
    """The drift so far: counts, and the first examples of each kind."""

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
        """Drift that was not seen healed, including drift under way."""
        return self.found_count - sum(self.outcomes[kind, Resolution.HEALED] for kind in Kind)

    def counts(self) -> dict[str, dict[str, int]]:
        """Return `ReconcileRun.counts`: the kinds that were found, in the order of `Kind`."""
        counts: dict[str, dict[str, int]] = {}
        for kind in Kind:
            outcomes = {str(each): self.outcomes[kind, each] for each in Resolution}
            if found := sum(outcomes.values()):
                counts[str(kind)] = {"found": found, **outcomes}
        return counts

    def examples_as_json(self) -> list[dict[str, Any]]:
        return [drift.as_json() for kind in Kind for drift in self.examples if drift.kind == kind]
