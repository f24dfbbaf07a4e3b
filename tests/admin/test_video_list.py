"""The list of videos: columns, filters, search and number of queries."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import timezone

from tests.admin.conftest import DeskOf
from tests.factories import make_uploader, make_video
from videos.models import CensorStatus
from videos.services import delete_video

LIST = "videos_video_changelist"


def test_a_row_shows_each_column_of_a_video(desk_of: DeskOf) -> None:
    make_video(
        title="Skate trick",
        uploader=make_uploader(user_name="小明"),
        censor_status=CensorStatus.CHECK,
        transcode_status="fail",
        narrow_transcode_status="onTranscode",
        snapshot_status="success",
        duration=65.2,
        size=3 * 1024 * 1024,
        creation_time=datetime(2026, 3, 4, 4, 5, tzinfo=UTC),
    )
    page = desk_of("viewer").page(LIST)
    for text in (
        "Skate trick", "小明", "awaiting review", "failed", "transcoding", "done", "1:05", "3.0",
        "2026-03-04 12:05", "http://media.example.com/",
    ):  # fmt: skip
        assert text in page
    assert "is-blurred" not in page


def test_a_blocked_video_is_blurred(desk_of: DeskOf) -> None:
    make_video(censor_status=CensorStatus.FAIL)
    assert "thumb is-blurred" in desk_of("viewer").page(LIST)


def test_media_of_a_foreign_host_are_not_shown(desk_of: DeskOf) -> None:
    make_video(cover="elsewhere.example.com/cover.jpg")
    assert "elsewhere.example.com" not in desk_of("viewer").page(LIST)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"censor_status__exact": "fail"}, {"Blocked"}),
        ({"transcode_status__exact": ""}, {"Blocked"}),
        ({"narrow_transcode_status__exact": "onTranscode"}, {"Passed"}),
        ({"snapshot_status__exact": "fail"}, {"Passed"}),
        ({"creation_time_from": "2026-05-02"}, {"Passed"}),
        ({"creation_time_to": "2026-05-01"}, {"Blocked"}),
        ({"creation_time_from": "2026-05-01", "creation_time_to": "2026-05-02"},
         {"Blocked", "Passed"}),
    ],
)  # fmt: skip
def test_filters_select_videos(desk_of: DeskOf, query: dict[str, str], expected: set[str]) -> None:
    make_video(
        title="Blocked",
        censor_status=CensorStatus.FAIL,
        transcode_status="",
        creation_time=datetime(2026, 5, 1, 15, 59, tzinfo=UTC),  # 23:59 on the server's clock
    )
    make_video(
        title="Passed",
        narrow_transcode_status="onTranscode",
        snapshot_status="fail",
        creation_time=datetime(2026, 5, 1, 16, 0, tzinfo=UTC),
    )
    page = desk_of("viewer").page(LIST, **query)
    heading = '<span class="heading"><bdi>{}</bdi></span>'
    assert {t for t in ("Blocked", "Passed") if heading.format(t) in page} == expected


def test_the_uploader_filter_shows_only_that_uploaders_videos(desk_of: DeskOf) -> None:
    mine, other = make_video(title="Mine"), make_video(title="Other")
    assert other.uploader_id != mine.uploader_id
    page = desk_of("viewer").page(LIST, uploader__id__exact=mine.uploader_id)
    assert "Mine" in page
    assert "Other" not in page
    assert f'name="uploader__id__exact" value="{mine.uploader_id}" data-chosen' in page


def test_uploaders_are_found_by_typing(desk_of: DeskOf) -> None:
    make_uploader(user_name="ＡＮＡ Torres", user_id="900")
    make_uploader(user_name="Someone else")
    response = desk_of("viewer").client.get(
        "/admin/autocomplete/",
        {"app_label": "videos", "model_name": "video", "field_name": "uploader", "term": "ana t"},
    )
    assert [result["text"] for result in response.json()["results"]] == [
        "\u2068ＡＮＡ Torres\u2069"
    ]


@pytest.mark.parametrize("value", ["yesterday", "2026-13-01"])
def test_an_invalid_date_gives_no_error_page(desk_of: DeskOf, value: str) -> None:
    assert desk_of("viewer").status(LIST, creation_time_from=value) == 302


@pytest.mark.parametrize("text", ["sKaTe", "trick 100%", "vod-of-skate", "ana", "u-17"])
def test_search_finds_by_id_title_and_uploader(desk_of: DeskOf, text: str) -> None:
    uploader = make_uploader(user_name="Ana", user_id="u-17")
    make_video(title="Skate Trick 100%", vod_id="vod-of-skate", uploader=uploader)
    make_video(title="trick 1000", vod_id="another")
    page = desk_of("viewer").page(LIST, q=text)
    assert "Skate Trick" in page
    assert "trick 1000" not in page


def test_tombstones_show_on_request_to_roles_that_may_delete(desk_of: DeskOf) -> None:
    video = make_video(title="Gone")
    delete_video(video)
    viewer, operator = desk_of("viewer"), desk_of("operator")
    assert "Gone" not in operator.page(LIST)
    assert "Gone" in operator.page(LIST, deleted="yes")
    assert "Gone" not in viewer.page(LIST, deleted="yes")
    assert viewer.status("videos_video_change", video.pk) == 302
    assert "Gone" in operator.page("videos_video_change", video.pk)


def test_an_empty_list_says_so(desk_of: DeskOf) -> None:
    assert "Nothing matches" in desk_of("viewer").page(LIST, q="nothing like it")
    assert "No videos here" in desk_of("viewer").page(LIST)


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("videos_video_changelist", 12),
        ("videos_reviewtask_changelist", 11),
        ("recommendations_recommendation_changelist", 9),
        ("outbox_delivery_changelist", 10),
        ("videos_transcodejob_changelist", 9),
        ("videos_cdntask_changelist", 9),
        ("videos_machinereview_changelist", 7),
        ("accounts_operator_changelist", 9),
        ("accounts_consoletoken_changelist", 7),
        ("accounts_uploader_changelist", 7),
        ("auth_group_changelist", 7),
        ("videos_vodevent_changelist", 8),
        ("videos_syncrun_changelist", 7),
        ("videos_reasontemplate_changelist", 7),
        ("outbox_lane_changelist", 7),
        ("outbox_periodictask_changelist", 7),
    ],
)
def test_a_list_needs_as_many_queries_for_20_rows_as_for_1(
    desk_of: DeskOf, django_assert_max_num_queries: Any, name: str, most: int
) -> None:
    desk = desk_of("administrator")
    make_rows(1)
    desk.page(name)  # content types are cached from here on
    with django_assert_max_num_queries(most) as few:
        desk.page(name)
    make_rows(19)
    with django_assert_max_num_queries(most) as many:
        desk.page(name)
    assert len(many.captured_queries) == len(few.captured_queries)


def make_rows(count: int) -> None:
    """Make `count` rows of each kind that the lists show."""
    from accounts.tokens import issue_token
    from recommendations.services import Options, recommend_video
    from shortvideo.outbox.models import Lane, PeriodicTask
    from tests.factories import make_operator
    from videos.models import (
        MachineReview,
        ReasonTemplate,
        ReviewTask,
        SyncRun,
        TranscodeKind,
        VodEvent,
    )
    from videos.services import submit_transcode

    for _ in range(count):
        operator = make_operator("curator")
        issue_token(operator)
        video = make_video()
        submit_transcode(video, kind=TranscodeKind.STANDARD, operator=operator)
        recommend_video(video, operator=operator, options=Options(prefetch=True))
        ReviewTask.objects.create(video=video, cause="reported")
        MachineReview.objects.create(video=video, source_version=1, suggestion="review")
        VodEvent.objects.create(
            event_type="TranscodeComplete", media_id=video.vod_id, dedupe_key=video.vod_id, body={}
        )
        SyncRun.objects.create(kind="full", until=timezone.now())
        ReasonTemplate.objects.create(text=f"Reason {video.pk}")
        Lane.objects.create(kind=f"kind-{video.pk}")
        PeriodicTask.objects.create(name=f"task-{video.pk}", due_at=timezone.now())
