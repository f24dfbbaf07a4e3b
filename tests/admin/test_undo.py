"""The button that undoes a decision."""

import re
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from tests.admin.conftest import Desk, DeskOf
from tests.factories import make_video
from videos.models import CensorStatus, Decision, ReviewDecision, ReviewTask, Video

PAGE = "videos_video_change"
URL = "admin:videos_video_undo"


@pytest.fixture(autouse=True)
def window(settings: Settings) -> None:
    settings.REVIEW_UNDO_SECONDS = 3600


def undo(desk: Desk, decisions: str, **fields: Any) -> str:
    response = desk.client.post(reverse(URL), {"decisions": decisions, **fields})
    assert response.status_code == 302
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def decisions_in(message: str) -> str:
    found = re.search(r'form="undo-form" name="decisions" value="([\d,]+)"', message)
    assert found is not None, message
    return found[1]


def test_one_undo_button_undoes_all_decisions_of_a_report(desk_of: DeskOf) -> None:
    desk = desk_of("moderator")
    videos = [make_video(censor_status="check") for _ in range(3)]
    message = desk.do("block", *videos, reason="spam")
    assert "3 of 3 blocked." in message
    assert "3 of 3 decisions undone." in undo(desk, decisions_in(message))
    assert {video.censor_status for video in Video.objects.all()} == {CensorStatus.CHECK}
    undone = ReviewDecision.objects.filter(decision=Decision.UNDO)
    assert {line.operator for line in undone} == {desk.operator}
    assert all(line.request_id for line in undone)


def test_undo_from_the_queue_reopens_the_review_task(desk_of: DeskOf) -> None:
    desk, video = desk_of("moderator"), make_video(censor_status="check")
    task = ReviewTask.objects.create(video=video, cause="new")
    undo(desk, decisions_in(desk.do("approve", task)))
    assert list(ReviewTask.objects.open()) == [task]


def test_the_video_page_has_the_button_within_the_undo_window(
    desk_of: DeskOf, settings: Settings
) -> None:
    desk, video = desk_of("moderator"), make_video()
    assert "Undo “" not in desk.page(PAGE, video.pk)
    desk.do("block", video, reason="spam")
    page = desk.page(PAGE, video.pk)
    assert "Undo “blocked”" in page
    assert 'id="undo-form" method="post"' in page
    assert "Undo “" not in desk_of("viewer").page(PAGE, video.pk)
    settings.REVIEW_UNDO_SECONDS = 0
    assert "Undo “" not in desk.page(PAGE, video.pk)


def test_without_an_undo_window_there_is_no_button(desk_of: DeskOf, settings: Settings) -> None:
    settings.REVIEW_UNDO_SECONDS = 0
    assert "undo-form" not in desk_of("moderator").do("block", make_video(), reason="spam")


def test_a_second_undo_is_refused_with_a_sentence(desk_of: DeskOf) -> None:
    desk, video = desk_of("moderator"), make_video(title="Bad")
    decision = decisions_in(desk.do("block", video, reason="spam"))
    undo(desk, decision)
    message = undo(desk, decision)
    assert "0 of 1 decisions undone." in message
    assert "<strong><bdi>Bad</bdi></strong>: It was undone already." in message


def test_undo_redirects_back_but_never_to_another_site(desk_of: DeskOf) -> None:
    desk = desk_of("moderator")
    path = reverse("admin:videos_reviewtask_changelist")
    for asked, expected in ((path, path), ("https://evil.example.com/", reverse("admin:index"))):
        response = desk.client.post(reverse(URL), {"decisions": "", "next": asked})
        assert response["Location"] == expected


def test_roles_that_may_not_review_may_not_undo(desk_of: DeskOf) -> None:
    decision = decisions_in(desk_of("moderator").do("block", make_video(), reason="spam"))
    for role in ("viewer", "curator"):
        response = desk_of(role).client.post(reverse(URL), {"decisions": decision})
        assert response.status_code == 403
    assert not ReviewDecision.objects.filter(decision=Decision.UNDO).exists()


def test_undo_needs_a_post_with_a_csrf_token(desk_of: DeskOf) -> None:
    desk = desk_of("moderator")
    assert desk.client.get(reverse(URL)).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = desk.client.cookies
    assert strict.post(reverse(URL), {"decisions": "1"}).status_code == 403


def test_invalid_decision_numbers_are_ignored(desk_of: DeskOf) -> None:
    assert "0 of 0" in undo(desk_of("moderator"), "x,,9" + "9" * 30 + ",-1,77")
