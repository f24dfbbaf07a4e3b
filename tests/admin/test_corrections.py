"""A block's reason is corrected; a block is lifted with a reason."""

from collections.abc import Callable

import pytest
from pytest_django.fixtures import Settings

from shortvideo.outbox.models import Delivery, DeliveryState
from tests.admin.conftest import DeskOf
from tests.admin.seeing import (
    block,
    by_api,
    by_machine,
    by_vod,
    by_vods_status,
    follow,
    opened,
    pending,
    press,
    selected_in,
    text_of,
)
from tests.factories import make_video
from videos.models import (
    CensorStatus,
    ReviewDecision,
    Video,
)
from videos.services import undo_review


@pytest.fixture(autouse=True)
def window(settings: Settings) -> None:
    settings.REVIEW_UNDO_SECONDS = 3600


def test_the_reason_of_a_block_is_corrected(desk_of: DeskOf) -> None:
    desk, video = desk_of("moderator"), pending()
    first = block(video, desk, "spma")
    preview = desk.choose("block", video, seen=opened(desk, video))
    page = text_of(preview)
    assert f"Change the reason? Blocked by {desk.operator} (admin) on " in page
    assert "Reason: \u2068spma\u2069" in page
    assert selected_in(page) == [str(video.pk)]
    assert "1 of 1 blocked." in follow(desk, "block", preview, video, reason="spam")
    lines = list(video.decisions.order_by("id"))
    assert [line.reason for line in lines] == ["spma", "spam"]
    states = [line.delivery.state for line in lines if line.delivery]
    assert states == [DeliveryState.SUPERSEDED, DeliveryState.WAITING]
    assert first == lines[0]


def test_undoing_a_correction_restores_the_first_reason(desk_of: DeskOf) -> None:
    desk, video = desk_of("moderator"), pending()
    first = block(video, desk, "spam")
    desk.do("block", video, reason="spma")
    undo_review(video.decisions.get(reason="spma"), operator=desk.operator)
    video.refresh_from_db()
    assert video.is_blocked
    assert Delivery.objects.waiting().get(kind="create_audit").payload == {"decision": first.pk}


def test_a_bulk_block_leaves_blocks_and_their_reasons(desk_of: DeskOf) -> None:
    desk = desk_of("moderator")
    blocked, video = pending(title="Bad"), pending()
    block(blocked, desk)
    preview = desk.choose("block", blocked, video)
    assert selected_in(text_of(preview)) == [str(video.pk)]


def test_blocking_again_with_the_same_texts_adds_nothing(desk_of: DeskOf) -> None:
    desk, video = desk_of("moderator"), pending()
    block(video, desk, "spam")
    assert "<strong>" in (message := desk.do("block", video, reason="spam"))
    assert "0 of 1 blocked." in message
    assert "Already blocked." in message
    assert ReviewDecision.objects.count() == 1


@pytest.mark.parametrize("way", [by_api, by_vod, by_machine, by_vods_status])
def test_lifting_a_block_needs_a_reason(desk_of: DeskOf, way: Callable[[Video], str]) -> None:
    desk, video = desk_of("moderator"), pending()
    way(video)
    answer = press(desk, "approve", video, seen=opened(desk, video))
    assert "This field is required." in text_of(answer)
    assert "1 of 1 approved." in follow(desk, "approve", answer, video, reason="a mistake")
    assert video.decisions.order_by("id").last().reason == "a mistake"  # type: ignore[union-attr]


def test_the_page_of_a_blocked_video_asks_for_the_reason_first(desk_of: DeskOf) -> None:
    desk = desk_of("moderator")
    confirmed = '<input type="hidden" name="confirmed" value="1">'
    url = "videos_video_change"
    assert confirmed in desk.page(url, pending().pk)
    assert confirmed not in desk.page(url, make_video(censor_status=CensorStatus.FAIL).pk)
