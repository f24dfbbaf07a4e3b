"""From the labels and scores of the AI review to what the console does."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from videos.models import LabelThreshold, MachineReview

Suggestion = MachineReview.Suggestion
_SEVERITY = {Suggestion.PASS: 0, Suggestion.REVIEW: 1, Suggestion.BLOCK: 2}
PREVIEWED = 1_000


def apply_thresholds(
    suggestion: Suggestion,
    labels: Iterable[str],
    hits: Iterable[Mapping[str, Any]],
    thresholds: Mapping[str, LabelThreshold],
) -> Suggestion:
    """Return what follows from VOD's suggestion, its labels and its hits (label, score 0 to 100).

    Each label that has a threshold and a hit counts by its highest score. If there is any other
    label, or none at all, VOD's suggestion counts too. The most severe of these wins.
    """
    highest: dict[str, float] = {}
    for hit in (hit for hit in hits if hit["label"] != "normal"):
        highest[hit["label"]] = max(hit["score"], highest.get(hit["label"], 0))
    decided = {label for label in highest if label in thresholds}
    outcomes = [_outcome(thresholds[label], highest[label]) for label in decided]
    if not outcomes or ({*labels, *highest} - decided):
        outcomes.append(suggestion)
    return max(outcomes, key=_SEVERITY.__getitem__)


def _outcome(threshold: LabelThreshold, score: float) -> Suggestion:
    if threshold.block_at is not None and score >= threshold.block_at:
        return Suggestion.BLOCK
    return Suggestion.REVIEW if score >= threshold.review_at else Suggestion.PASS


def all_thresholds() -> dict[str, LabelThreshold]:
    """The thresholds by their labels."""
    return {threshold.label: threshold for threshold in LabelThreshold.objects.all()}


@dataclass(frozen=True, slots=True)
class Preview:
    """How many of the last AI reviews had each outcome, then and with the proposed threshold."""

    count: int
    then: Mapping[Suggestion, int]
    proposed: Mapping[Suggestion, int]


def preview_threshold(proposed: LabelThreshold) -> Preview:
    """Apply a threshold that is not saved, beside all others, to the last 1,000 AI reviews."""
    thresholds = all_thresholds() | {proposed.label: proposed}
    then = dict.fromkeys(_SEVERITY, 0)
    now = dict.fromkeys(_SEVERITY, 0)
    reviews = MachineReview.objects.exclude(suggestion=Suggestion.ERROR).order_by("-id")
    rows = list(reviews.values("suggestion", "vod_suggestion", "labels", "hits")[:PREVIEWED])
    for row in rows:
        then[Suggestion(row["suggestion"])] += 1
        said = Suggestion(row["vod_suggestion"] or row["suggestion"])
        now[apply_thresholds(said, row["labels"], row["hits"], thresholds)] += 1
    return Preview(len(rows), then, now)
