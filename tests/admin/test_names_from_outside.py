"""What uploaders wrote is shown whole and turns nothing around it."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from shortvideo.text import is_blank, isolated
from tests.admin.conftest import Desk, DeskOf
from tests.factories import make_recommendation, make_uploader, make_video
from videos.models import CensorStatus, ReviewTask, Video

TURNING = "\u202e<b>evil\u2069\u2067 & דג"
BLANKS = ["", " ", "\u3000\t", "\u200b", "\u200b\u2060\ufeff", "\u3164", "\u2800", "\u202e\u2066"]


@pytest.fixture
def video(db: None) -> Video:
    uploader = make_uploader(user_name=f"name {TURNING}", user_id=f"id {TURNING}")
    return make_video(
        title=f"title {TURNING}", description=f"text {TURNING}", tags=f"tags {TURNING}",
        cate_name=f"category {TURNING}", uploader=uploader, censor_status=CensorStatus.CHECK,
    )  # fmt: skip


def pages(desk: Desk, video: Video) -> dict[str, str]:
    assert video.uploader is not None
    item = make_recommendation(video)
    task = ReviewTask.objects.create(
        video=video, cause="machine_verdict", opened_at=timezone.now() - timedelta(hours=1)
    )
    shown = {
        "index": desk.page("index"),
        "videos": desk.page("videos_video_changelist"),
        "video": desk.page("videos_video_change", video.pk),
        "queue": desk.page("videos_reviewtask_changelist"),
        "recommendations": desk.page("recommendations_recommendation_changelist"),
        "recommendation": desk.page("recommendations_recommendation_change", item.pk),
        "uploaders": desk.page("accounts_uploader_changelist"),
        "uploader": desk.page("accounts_uploader_change", video.uploader.pk),
        "filter": desk.page("videos_video_changelist", uploader__id__exact=video.uploader.pk),
        "preview": desk.choose("block", video).content.decode(),
        "task preview": desk.choose("block", task).content.decode(),
        "report": desk.do("transcode", video) + desk.do("transcode", video),
    }
    desk.do("block", task, reason="r", comment="")
    return {
        **shown,
        "takedowns": desk.page("videos_takedown_changelist"),
        "after": desk.page("index"),
    }


def test_text_of_uploaders_is_isolated_on_every_page(desk_of: DeskOf, video: Video) -> None:
    desk = desk_of("", is_superuser=True)
    for name, page in pages(desk, video).items():
        assert "\u202e" in page, name
        outside = re.sub(r"<bdi>.*?</bdi>|\u2068[^\u2066-\u2069]*\u2069", "", page, flags=re.DOTALL)
        outside = re.sub(r'="[^"]*"|<textarea.*?</textarea>', "", outside, flags=re.DOTALL)
        assert "\u202e" not in outside, name
        assert escape("<b>evil") in page or "<b>" not in page


def test_the_clips_page_isolates_each_text(desk_of: DeskOf, video: Video) -> None:
    page = desk_of("viewer").page("videos_video_change", video.pk)
    for name in ("title", "name", "id", "text", "tags", "category"):
        assert f"<bdi>{name} {escape(TURNING)}</bdi>" in page


@pytest.mark.parametrize("title", BLANKS)
def test_a_title_without_anything_visible_is_untitled(title: str, desk_of: DeskOf) -> None:
    video = make_video(title=title)
    assert '<span class="heading">Untitled</span>' in desk_of("viewer").page(
        "videos_video_changelist"
    )
    page = desk_of("viewer").page("videos_video_change", video.pk)
    assert f"<h1><bdi>{video.vod_id}</bdi></h1>" in page


@pytest.mark.parametrize(
    "characters",
    [
        "\u180b\u180c\u180d\u180e\u180f", "\u17b4\u17b5", "\ufe00\ufe0f", "\U000e0100\U000e01ef",
        "\u115f\u1160\uffa0", "\u034f", "\U000e0000\U000e007f\U000e0fff", "\u2065\u206f\ufff0",
        "\x00\x9f\u00ad\u061c\ufff9", "\U0001d159\U0001d173\U0001bca0", "\u2028\u00a0\u1680",
    ],
)  # fmt: skip
def test_each_character_that_shows_nothing_is_blank(characters: str) -> None:
    assert [each for each in characters if not is_blank(each)] == []
    assert is_blank(characters)
    assert not is_blank(f"{characters}a{characters}")


@pytest.mark.parametrize(
    "title", [".", "👍", "\u0301", "ㅤa", "-", "❤\ufe0f", "葛\U000e0100", "\u0600", "👩\u200d🚀"]
)
def test_a_title_with_anything_visible_is_shown(title: str, desk_of: DeskOf) -> None:
    make_video(title=title)
    assert f"<bdi>{title}</bdi>" in desk_of("viewer").page("videos_video_changelist")


@pytest.mark.parametrize("values", [{"title": "\u200b"}, {"title": ""}])
def test_a_blank_display_title_shows_the_videos_own(values: Any, db: None) -> None:
    item = make_recommendation(make_video(title="Own"), **values)
    assert item.label == "Own"


@pytest.mark.parametrize(
    ("page", "field"),
    [
        ("auth_group", "name"),
        ("webhooks_endpoint", "name"),
        ("videos_labelthreshold", "label"),
        ("videos_reasontemplate", "policy"),
    ],
)
def test_a_name_at_the_desk_shows_each_character(page: str, field: str, desk_of: DeskOf) -> None:
    client = desk_of("", is_superuser=True).client
    refusal = "The name has a character that shows nothing."
    url = reverse(f"admin:{page}_add")
    assert refusal in client.post(url, {field: "viewer\u200b"}).content.decode()
    assert refusal not in client.post(url, {field: "viewer two"}).content.decode()


def test_an_isolated_name_cannot_end_its_isolation() -> None:
    assert isolated("a\u2069b\n\u2067c\u202e") == "\u2068ab c\u202e\u2069"
