"""The form of AI thresholds."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.admin.conftest import DeskOf
from tests.factories import make_video
from videos.models import LabelThreshold, MachineReview


def make_reviews(*reviews: tuple[str, dict[str, int]]) -> None:
    """Each is VOD's suggestion, and the score of each label."""
    for suggestion, scores in reviews:
        MachineReview.objects.create(
            video=make_video(),
            source_version=1,
            suggestion=suggestion,
            labels=list(scores),
            hits=[{"label": label, "score": score} for label, score in scores.items()],
        )


def preview(client: Any, **values: Any) -> dict[str, Any]:
    return dict(client.get(reverse("admin:videos_labelthreshold_preview"), values).json())


@pytest.mark.django_db
def test_the_form_previews_the_last_reviews(desk_of: DeskOf) -> None:
    make_reviews(
        ("block", {"ad": 95}),
        ("review", {"ad": 70}),
        ("review", {"ad": 70, "gun": 50}),
        ("pass", {"ad": 20}),
        ("review", {"gun": 40}),
        ("error", {"ad": 99}),
    )
    client = desk_of("operator").client
    answer = preview(client, label="ad", review_at="15", block_at="60")
    assert answer["sentence"] == (
        "Of the last 5 AI reviews, 0 would approve (now: 1), 2 would ask a person (3), and 3 "
        "would block (1)."
    )
    assert [(row["label"], *row["cells"]) for row in answer["rows"]] == [
        ("All labels", "1 → 0", "3 → 2", "1 → 3"),
        ("ad", "1 → 0", "2 → 1", "1 → 3"),
        ("gun", "0", "2 → 1", "0 → 1"),
    ]
    assert preview(client, label="ad", review_at="x") == {"sentence": "", "rows": []}
    assert preview(client, row="x", label="ad", review_at="15")["rows"]
    assert not LabelThreshold.objects.exists()
    url = reverse("admin:videos_labelthreshold_preview")
    assert desk_of("").client.get(url).status_code == 403


@pytest.mark.django_db
def test_the_preview_compares_with_the_saved_thresholds(desk_of: DeskOf) -> None:
    saved = LabelThreshold.objects.create(label="ad", review_at=10, block_at=60)
    make_reviews(("pass", {"ad": 70}), ("pass", {"ad": 5}))
    client = desk_of("operator").client
    same = preview(client, row=saved.pk, label="ad", review_at="10", block_at="60")
    assert same["rows"][0]["cells"] == ["1", "0", "1"]
    renamed = preview(client, row=saved.pk, label="weapon", review_at="10", block_at="60")
    assert renamed["rows"][0]["cells"] == ["1 → 2", "0", "1 → 0"]


@pytest.mark.django_db
def test_the_preview_reads_all_reviews_at_once(desk_of: DeskOf) -> None:
    make_reviews(*[("review", {"ad": 70, f"label {number}": 5}) for number in range(20)])
    client = desk_of("operator").client
    with CaptureQueriesContext(
        connection,
    ) as queries:
        rows = preview(client, label="ad", review_at="15")["rows"]
    assert [row["label"] for row in rows][:2] == ["All labels", "ad"]
    assert len(rows) == 13
    reads = [each["sql"] for each in queries if "machinereview" in each["sql"]]
    assert len(reads) == 1
    assert reads[0].endswith("LIMIT 1000")
