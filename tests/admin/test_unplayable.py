"""Clips without a file to play, as the desk shows them."""

from typing import Any

import pytest

from recommendations.models import Recommendation
from tests.admin.conftest import DeskOf
from tests.factories import make_recommendation, make_video
from videos.models import CensorStatus, ReviewDecision, Video

PAGE = "videos_video_change"
DAMAGED = "the upload is damaged"


def make_damaged(**values: Any) -> Video:
    return make_video(status="TranscodeFail", files=[], source_path="", **values)


def test_approving_a_clip_that_does_not_play_warns(desk_of: DeskOf) -> None:
    desk = desk_of("moderator")
    damaged = make_damaged(title="Broken", censor_status=CensorStatus.CHECK)
    fine = make_video(title="Fine", censor_status=CensorStatus.CHECK)
    page = desk.choose("approve", damaged, fine).content.decode()
    assert "Approve (2)" in page
    assert page.count(DAMAGED) == 1
    report = desk.do("approve", damaged, fine, comment="")
    assert "2 of 2 approved." in report
    assert "Broken</bdi></strong>: This video has no playable file: the upload is damaged" in report
    assert "uploaded again" in report
    assert "Fine" not in report
    assert ReviewDecision.objects.count() == 2


@pytest.mark.parametrize("is_damaged", [True, False])
def test_the_button_asks_before_it_approves_what_does_not_play(
    desk_of: DeskOf, *, is_damaged: bool
) -> None:
    make = make_damaged if is_damaged else make_video
    page = desk_of("moderator").page(PAGE, make(censor_status=CensorStatus.CHECK).pk)
    assert ('name="confirmed"' in page) is not is_damaged
    assert (DAMAGED in page) is is_damaged


def test_a_block_of_a_clip_that_does_not_play_warns_of_nothing(desk_of: DeskOf) -> None:
    report = desk_of("moderator").do("block", make_damaged(), reason="spam", comment="")
    assert "1 of 1 blocked." in report
    assert DAMAGED not in report


def test_a_clip_that_does_not_play_is_not_recommended(desk_of: DeskOf) -> None:
    report = desk_of("curator").do("recommend", make_damaged())
    assert "0 of 1 recommended." in report
    assert DAMAGED in report
    assert not Recommendation.objects.exists()


def test_the_list_says_that_an_item_has_no_file_to_play(desk_of: DeskOf) -> None:
    desk, item = desk_of("curator"), make_recommendation(make_damaged())
    assert ">no playable file</span>" in desk.page("recommendations_recommendation_changelist")
    assert ": no playable file" in desk.do("prefetch", item)
    assert "1 of 1 removed." in desk.do("remove", item)


def test_an_operator_who_may_not_play_is_not_told_of_files(desk_of: DeskOf) -> None:
    page = desk_of("viewer").page(PAGE, make_damaged(censor_status=CensorStatus.CHECK).pk)
    assert "Not published" in page
    assert DAMAGED not in page
