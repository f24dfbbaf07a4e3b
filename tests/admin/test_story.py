"""A clip's page tells what happened to it, newest first."""

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from shortvideo.text import isolated
from tests.admin.conftest import DeskOf
from tests.admin.test_reviewing import Page, make_pending
from tests.factories import make_operator
from videos.admin.story import story_of
from videos.admin.whole import read_whole
from videos.models import Decision, MachineReview, Source
from videos.services import DecisionInput, delete_video, review_video, undo_review

pytestmark = pytest.mark.django_db


def test_a_story_names_who_why_from_where_and_the_answer(
    desk_of: DeskOf, settings: Settings
) -> None:
    settings.REVIEW_UNDO_SECONDS = 60
    video = make_pending()
    hits = [{"label": "weapon", "score": 64.4, "timestamp_ms": 3000}]
    MachineReview.objects.create(video=video, source_version=1, suggestion="review", hits=hits)
    page = Page(desk_of("moderator", username="Mei"))
    [clip] = page.fill()
    page.post("note", claim=clip["claim"], text="Is it a toy?")
    page.post("skip", claim=clip["claim"], shown_seconds=12)
    ada = make_operator("moderator", username="Ada")
    block = DecisionInput(Decision.BLOCKED, Source.ADMIN, operator=ada, reason="weapons")
    undo_review(review_video(video, block), operator=ada)
    refused = review_video(video, block).delivery
    assert refused is not None
    refused.state, refused.error, refused.finished_at = "given_up", "No such video.", timezone.now()
    refused.save()
    delete_video(video, operator=ada)
    read_whole(video)
    told = [(entry.sentence, entry.quote, entry.answer) for entry in story_of(video)]
    assert told == [
        ("Deleted by Ada.", "", ""),
        (
            "Blocked by Ada (admin). Reason: \u2068weapons\u2069.",
            "",
            "VOD refused it: No such video.",
        ),
        ("Undone by Ada (admin).", "", ""),
        ("Blocked by Ada (admin). Reason: \u2068weapons\u2069.", "", "Not sent to VOD."),
        ("Mei looked at it for 12 seconds and skipped it.", "", ""),
        ("Note by Mei.", "Is it a toy?", ""),
        ("The AI suggests: needs human review.", "", "weapon 64"),
        ("Put into the queue: new clip.", "", ""),
        ("Uploaded.", "", ""),
    ]
    assert "looked at it for 12 seconds" in desk_of("administrator").page(
        "videos_video_change", video.pk
    )


def test_a_reason_and_an_auditor_turn_no_sentence_of_the_story() -> None:
    video, turning = make_pending(), "one\u202e\u2069\ntwo"
    new = DecisionInput(Decision.BLOCKED, Source.VOD, auditor=turning, reason=turning)
    review_video(video, new)
    read_whole(video)
    assert f"Blocked by {isolated(turning)} (VOD console). Reason: {isolated(turning)}." in [
        entry.sentence for entry in story_of(video)
    ]
