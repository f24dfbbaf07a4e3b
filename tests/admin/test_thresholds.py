"""The form of AI thresholds."""

import pytest
from django.urls import reverse

from tests.admin.conftest import DeskOf
from tests.factories import make_video
from videos.models import LabelThreshold, MachineReview


@pytest.mark.django_db
def test_the_form_previews_the_last_reviews(desk_of: DeskOf) -> None:
    for score, said in ((95, "block"), (70, "review"), (70, "review"), (20, "pass")):
        MachineReview.objects.create(
            video=make_video(),
            source_version=1,
            suggestion=said,
            labels=["ad"],
            hits=[{"label": "ad", "score": score}],
        )
    client = desk_of("operator").client
    url = reverse("admin:videos_labelthreshold_preview")
    answer = client.get(url, {"label": "ad", "review_at": "15", "block_at": "60"}).json()
    assert answer["sentence"] == (
        "Of the last 4 AI reviews, 0 would approve (before: 1), 1 would ask a person (2), and 3 "
        "would block (1)."
    )
    assert client.get(url, {"label": "ad", "review_at": "x"}).json()["sentence"] == ""
    assert not LabelThreshold.objects.exists()
    assert desk_of("").client.get(url).status_code == 403
