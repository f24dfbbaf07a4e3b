"""From the labels and scores of the AI review to what the console does."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
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
class Outcomes:
    """How many AI reviews have each outcome, with the saved thresholds and with the proposed."""

    now: Counter[Suggestion] = field(default_factory=Counter)
    proposed: Counter[Suggestion] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a proposed threshold changes: in all reviews, and in those with each label.

    A review with two labels counts for both. The proposed label comes first, then the most
    frequent ones.
    """

    count: int
    total: Outcomes
    by_label: Mapping[str, Outcomes]


def preview_threshold(proposed: LabelThreshold) -> Preview:
    """Apply a threshold that is not saved, beside all others, to the last 1,000 AI reviews."""
    saved = all_thresholds()
    others = {label: each for label, each in saved.items() if each.pk != proposed.pk}
    changed = others | {proposed.label: proposed}
    total = Outcomes()
    by_label: defaultdict[str, Outcomes] = defaultdict(Outcomes)
    reviews = MachineReview.objects.exclude(suggestion=Suggestion.ERROR).order_by("-id")
    rows = list(reviews.values("suggestion", "vod_suggestion", "labels", "hits")[:PREVIEWED])
    for row in rows:
        labels, hits = row["labels"], row["hits"]
        said = Suggestion(row["vod_suggestion"] or row["suggestion"])
        now = apply_thresholds(said, labels, hits, saved)
        then = apply_thresholds(said, labels, hits, changed)
        named = {*labels, *(hit["label"] for hit in hits)} - {"normal"}
        for outcomes in (total, *(by_label[label] for label in named)):
            outcomes.now[now] += 1
            outcomes.proposed[then] += 1
    order = sorted(by_label, key=lambda label: (label != proposed.label, -_size(by_label[label])))
    return Preview(len(rows), total, {label: by_label[label] for label in order})


def _size(outcomes: Outcomes) -> int:
    return outcomes.now.total()
