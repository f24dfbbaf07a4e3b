"""The page of an uploader."""

import pytest

from tests.admin.conftest import DeskOf
from tests.factories import make_uploader, make_video
from videos.models import Decision, Source
from videos.services import DecisionInput, review_video

pytestmark = pytest.mark.django_db


def test_it_shows_clips_rates_decisions_and_reasons(desk_of: DeskOf) -> None:
    uploader, moderator = make_uploader(), desk_of("moderator", username="Mei")
    videos = [make_video(uploader=uploader, title=f"Clip {letter}") for letter in "ABCD"]
    for video in videos[:1]:
        block = DecisionInput(
            Decision.BLOCKED, Source.ADMIN, operator=moderator.operator, reason="Advertising"
        )
        review_video(video, block)
    page = moderator.page("accounts_uploader_change", uploader.pk)
    for text in ("Clip A", "Clip D", "Advertising", "Mei</bdi> ·", "25%"):
        assert text in page


def test_an_uploader_without_clips_has_a_page(desk_of: DeskOf) -> None:
    page = desk_of("viewer").page("accounts_uploader_change", make_uploader().pk)
    assert "No clips." in page
    assert "Nothing was blocked." in page


def test_a_clip_leads_to_the_page_of_its_uploader(desk_of: DeskOf) -> None:
    uploader, viewer = make_uploader(), desk_of("viewer")
    page = viewer.page("videos_video_change", make_video(uploader=uploader).pk)
    assert f'<a href="{viewer.url(uploader)}">' in page
