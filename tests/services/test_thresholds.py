"""What follows from the AI's labels and scores."""

import pytest
from django.core.exceptions import ValidationError

from videos.models import LabelThreshold, MachineReview
from videos.services.threshold import apply_thresholds

Suggestion = MachineReview.Suggestion
AD = LabelThreshold(label="ad", review_at=60, block_at=90)
LOGO = LabelThreshold(label="logo", review_at=80)
THRESHOLDS = {"ad": AD, "logo": LOGO}


def hit(label: str, score: float) -> dict[str, object]:
    return {"label": label, "score": score}


@pytest.mark.parametrize(
    ("said", "hits", "outcome"),
    [
        ("block", [hit("ad", 59.9)], "pass"),
        ("pass", [hit("ad", 60)], "review"),
        ("review", [hit("ad", 30), hit("ad", 90)], "block"),
        ("block", [hit("logo", 100)], "review"),
        ("block", [hit("ad", 10), hit("weapon", 10)], "block"),
        ("pass", [hit("ad", 70), hit("weapon", 10)], "review"),
        ("review", [], "review"),
        ("pass", [hit("ad", 10), hit("normal", 99)], "pass"),
    ],
)
def test_the_most_severe_label_wins(said: str, hits: list[dict[str, object]], outcome: str) -> None:
    labels = {str(each["label"]) for each in hits} - {"normal"}
    assert apply_thresholds(Suggestion(said), labels, hits, THRESHOLDS) == outcome


def test_a_label_without_a_hit_is_left_to_vod() -> None:
    assert apply_thresholds(Suggestion.BLOCK, ["ad"], [], THRESHOLDS) == Suggestion.BLOCK


def test_block_is_not_below_review() -> None:
    with pytest.raises(ValidationError, match="must not be below"):
        LabelThreshold(label="ad", review_at=90, block_at=60).full_clean(validate_unique=False)
