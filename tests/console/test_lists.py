"""Filters, pages and the values of getVideos and getRecommendVideos."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from pytest_django import Settings

from shortvideo.text import folded
from tests.factories import (
    make_file,
    make_recommendation,
    make_uploader,
    make_video,
)
from tests.support.console import Console
from tests.videos.support import NOON, make_facts, uploaded_by
from videos import mirror
from videos.models import CensorStatus, Video

pytestmark = pytest.mark.django_db
LISTS = ["getVideos", "getRecommendVideos"]
DAY = timedelta(days=1)
SHANGHAI = ZoneInfo("Asia/Shanghai")


def search(console: Console, operation: str = "getVideos", **parameters: Any) -> list[str]:
    """Return the ids in a list, after a check of its total."""
    answer = console.get(operation, **{"pageSize": 100, **parameters})
    assert answer["code"] == "200", answer["message"]
    assert answer["data"]["total"] == len(answer["data"]["videoList"])
    return [video["videoId"] for video in answer["data"]["videoList"]]


@pytest.mark.parametrize("operation", LISTS)
@pytest.mark.parametrize(
    ("written", "asked", "matches"),
    [
        ("Summer Waves", "WAVE", True),
        ("海边的日落", "日落", True),
        ("ＦＵＬＬ width", "full", True),
        ("Straße", "STRASSE", True),
        ("İstanbul", "i̇stanbul", True),
        ("İstanbul", "istanbul", True),
        ("Istanbul", "İSTANBUL", True),
        ("IŞIK", "ışık", True),
        ("100% sure", "100%", True),
        ("100 percent", "100%", False),
        ("snake_case", "e_c", True),
        ("snakeXcase", "e_c", False),
        ("back\\slash", "k\\s", True),
        ("trimmed", " trimmed", False),
        ("it's", "t'", True),
    ],
)
def test_search_folds_titles_and_names_and_has_no_wildcards(
    operation: str, written: str, asked: str, matches: bool, console: Console
) -> None:
    by_title = make_video(title=written, recommended=True)
    by_name = make_video(uploader=make_uploader(user_name=written), recommended=True)
    assert search(console, operation, title=asked) == ([by_title.vod_id] if matches else [])
    assert search(console, operation, userName=asked) == ([by_name.vod_id] if matches else [])


@pytest.mark.parametrize("operation", LISTS)
def test_filters_are_combined(operation: str, console: Console) -> None:
    wanted = make_video(title="Sea", recommended=True)
    make_video(title="Sea", recommended=True)
    make_video(title="Hills", uploader=wanted.uploader, recommended=True)
    assert wanted.uploader is not None
    filters = {"title": "sea", "userId": wanted.uploader.user_id, "censorStatus": "success"}
    assert search(console, operation, **filters) == [wanted.vod_id]
    assert search(console, operation, videoId=wanted.vod_id) == [wanted.vod_id]
    assert search(console, operation, videoId=wanted.vod_id[:-1]) == []
    assert len(search(console, operation, title="", userId="", unknown="x")) == 3


@pytest.mark.parametrize("status", CensorStatus.values)
def test_a_status_selects_its_videos(status: str, console: Console) -> None:
    videos = {value: make_video(censor_status=value) for value in CensorStatus.values}
    assert search(console, censorStatus=status) == [videos[CensorStatus(status)].vod_id]


AT = datetime(2019, 1, 9, 22, 11, 29, 500_000, tzinfo=SHANGHAI)


@pytest.mark.parametrize("operation", LISTS)
@pytest.mark.parametrize(
    ("bound", "moment", "matches"),
    [
        ("startTime", "2019-01-09 22:11:29", True),
        ("startTime", "2019-1-9 22:11:29", True),
        ("startTime", "2019-01-09 22:11:30", False),
        ("startTime", "2019-01-09 22:11:29.6", False),
        ("startTime", "2019-01-09", True),
        ("startTime", "2019-01-10", False),
        ("startTime", "2019-01-09T14:11:29Z", True),
        ("startTime", "2019-01-09T22:11:30+08:00", False),
        ("startTime", "0000-01-01", None),
        ("startTime", "0001-01-01 00:00:00", True),
        ("startTime", "0001-01-01T00:00:00+14:00", True),
        ("endTime", "2019-01-09 22:11:29", True),
        ("endTime", "2019-1-9 22:11:29", True),
        ("endTime", "2019-01-09 22:11:29.5", True),
        ("endTime", "2019-01-09 22:11:29.4", False),
        ("endTime", "2019-01-09 22:11:28", False),
        ("endTime", "2019-01-09 3:11:28", False),
        ("endTime", "2019-01-09", True),
        ("endTime", "2019-01-08", False),
        ("endTime", "2019-01-09T14:11:29+00:00", True),
        ("endTime", "2019-01-09T22:11:29 08:00", True),
        ("endTime", "2019-01-09T22:11:28+08:00", False),
        ("endTime", "2019-01-09T22:11:29.500+08:00", True),
        ("endTime", "2019-01-09T22:11:29.499+08:00", False),
        ("endTime", "9999-12-31 23:59:59", True),
        ("endTime", "9999-12-31", True),
        ("endTime", "9999-12-31T23:59:59-14:00", True),
        ("startTime", "yesterday", None),
        ("startTime", "2019-02-30", None),
        ("startTime", "2019-01-09 22:11", None),
        ("startTime", "2019-01-09 24:00:00", None),
        ("startTime", "2019-01-09T22:11:29", None),
        ("startTime", " 2019-01-09", None),
        ("startTime", " ", None),
        ("startTime", "2019-01-09 ", None),
        ("startTime", "２０１９-01-09", None),
        ("endTime", "1547043089", None),
    ],
)
def test_time_bounds_are_inclusive(
    operation: str, bound: str, moment: str, matches: bool | None, console: Console
) -> None:
    video = make_video(creation_time=AT)
    make_recommendation(video, recommended_at=AT)
    if matches is None:
        answer = console.get(operation, **{bound: moment})
        assert answer["code"] == "400"
        assert answer["message"].startswith(f"{bound} must be YYYY-MM-DD HH:MM:SS")
    else:
        assert search(console, operation, **{bound: moment}) == [video.vod_id] * matches


def test_a_day_of_25_hours_is_searched_whole(console: Console, settings: Any) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    zone = ZoneInfo("Europe/Berlin")
    last = make_video(creation_time=datetime(2025, 10, 26, 23, 59, 59, tzinfo=zone))
    make_video(creation_time=datetime(2025, 10, 27, tzinfo=zone))
    assert search(console, startTime="2025-10-26", endTime="2025-10-26") == [last.vod_id]


@pytest.mark.parametrize("operation", LISTS)
def test_updated_since_finds_changes_at_or_after_a_moment(operation: str, console: Console) -> None:
    _old, new = make_video(recommended=True), make_video(recommended=True)
    moment = timezone.now() + timedelta(hours=1)
    Video.objects.filter(pk=new.pk).update(changed_at=moment)
    assert search(console, operation, updatedSince=moment.isoformat()) == [new.vod_id]
    later = (moment + timedelta(microseconds=1)).isoformat()
    assert search(console, operation, updatedSince=later) == []
    assert len(search(console, operation, updatedSince="2020-01-01")) == 2


@pytest.mark.parametrize("operation", LISTS)
def test_updated_since_finds_all_videos_of_a_renamed_uploader(
    operation: str, console: Console
) -> None:
    old, new = [make_facts(status="Normal", creation_time=NOON + n * DAY) for n in range(2)]
    mirror.apply([old, new])
    for video in Video.objects.all():
        make_recommendation(video)
    moment = timezone.now().isoformat()
    named = uploaded_by("u-1", "Lin Mei")
    mirror.apply(replace(new, title="Soup", user_data=named, read_at=new.read_at + DAY))
    seen = search(console, operation, updatedSince=moment)
    assert sorted(seen) == sorted([old.vod_id, new.vod_id])


def test_the_newest_come_first_and_pages_do_not_overlap(console: Console) -> None:
    same = datetime(2026, 1, 1, tzinfo=UTC)
    videos = [make_video(creation_time=same) for _ in range(5)]
    newest_first = [video.vod_id for video in reversed(videos)]
    pages = [console.get("getVideos", pageIndex=n, pageSize=2)["data"] for n in (1, 2, 3)]
    assert [page["total"] for page in pages] == [5, 5, 5]
    listed = [video["videoId"] for page in pages for video in page["videoList"]]
    assert listed == newest_first


@pytest.mark.parametrize("operation", LISTS)
@pytest.mark.parametrize("index", ["2", "00000002", "9" * 18, "9" * 19, "9" * 40, "9" * 5_000])
def test_a_page_past_the_end_is_empty_with_the_true_total(
    operation: str, index: str, console: Console
) -> None:
    make_video(recommended=True)
    data = console.get(operation, pageIndex=index)["data"]
    assert (data["total"], data["videoList"]) == (1, [])


@pytest.mark.parametrize("operation", LISTS)
@pytest.mark.parametrize("name", ["pageIndex", "pageSize"])
@pytest.mark.parametrize("value", ["0", "-1", "1.5", "+1", " 1", "1e1", "x", "١", "1_0"])
def test_an_invalid_number_is_400(operation: str, name: str, value: str, console: Console) -> None:
    answer = console.get(operation, **{name: value})
    assert answer["code"] == "400"
    assert answer["message"].startswith(f"{name} must be a whole number from 1")


def test_page_size_is_at_most_100_and_ten_by_default(console: Console) -> None:
    for _ in range(11):
        make_video()
    assert len(console.get("getVideos")["data"]["videoList"]) == 10
    assert len(console.get("getVideos", pageSize=100)["data"]["videoList"]) == 11
    assert console.get("getVideos", pageSize=101)["code"] == "400"


@pytest.mark.parametrize("operation", LISTS)
def test_a_page_of_any_size_needs_at_most_four_queries(
    operation: str, console: Console, django_assert_max_num_queries: Any
) -> None:
    for _ in range(12):
        make_video(recommended=True)
    for size in (1, 12):
        with django_assert_max_num_queries(4):  # token, permissions, total, page
            console.get(operation, pageSize=size)


def test_a_deleted_video_never_shows(console: Console) -> None:
    video = make_video(recommended=True)
    Video.objects.update(deleted_at=timezone.now())
    assert search(console, videoId=video.vod_id) == []
    assert search(console, "getRecommendVideos") == []


def test_numbers_times_and_missing_values_match_the_docs(console: Console) -> None:
    Video.objects.filter(pk=make_video().pk).update(
        uploader=None,
        duration=12.5,
        creation_time=datetime(2019, 1, 9, 14, 11, 29, 960_000, tzinfo=UTC),
        cover="",
        first_frame="",
        snapshots=[],
        files=[],
    )
    [video] = console.get("getVideos")["data"]["videoList"]
    assert video["user"] == {"userId": "", "userName": "", "avatarUrl": ""}
    assert video["duration"] == 13
    assert video["creationTime"] == "2019-01-09 22:11:29.9"
    assert (video["coverUrl"], video["firstFrameUrl"]) == ("", "")
    assert video["SnapshotList"] == video["snapshotList"] == video["fileUrlList"] == []


def test_an_avatar_is_signed_on_a_play_domain_only(console: Console, settings: Settings) -> None:
    settings.MEDIA_URL_AUTH_KEY = "a-key"
    ours, theirs = "http://media.example.com/avatars/1.png", "https://cdn.example.org/1.png?v=2"
    for url in (ours, theirs):
        make_video(uploader=make_uploader(avatar_url=url))
    videos = console.get("getVideos")["data"]["videoList"]
    assert videos[0]["user"]["avatarUrl"] == theirs
    assert videos[1]["user"]["avatarUrl"].startswith(f"{ours}?auth_key=")


def test_is_recommend_follows_the_published_list(console: Console) -> None:
    listed = make_video(recommended=True)
    blocked = make_video(recommended=True, censor_status=CensorStatus.FAIL)
    plain = make_video()
    shown = {v["videoId"]: v["isRecommend"] for v in console.get("getVideos")["data"]["videoList"]}
    assert shown == {listed.vod_id: "true", blocked.vod_id: "false", plain.vod_id: "false"}
    assert console.get("getVideoById", videoId=listed.vod_id)["data"]["isRecommend"] == "true"


@pytest.mark.parametrize(
    ("status", "ttl_seconds"), [(CensorStatus.SUCCESS, 3600), (CensorStatus.CHECK, 600)]
)
def test_signed_urls_of_unpublished_videos_expire_sooner(
    status: CensorStatus, ttl_seconds: int, console: Console, settings: Any
) -> None:
    settings.MEDIA_URL_AUTH_KEY = "key"
    make_video(censor_status=status)
    [video] = console.get("getVideos")["data"]["videoList"]
    urls = [
        video["coverUrl"],
        video["firstFrameUrl"],
        *video["snapshotList"],
        *video["fileUrlList"],
    ]
    for url in urls:
        address, _, signature = url.partition("?auth_key=")
        assert address.startswith("http://media.example.com/")
        ends = int(signature.partition("-")[0]) + settings.MEDIA_URL_AUTH_VALIDITY
        assert abs(ends - timezone.now().timestamp() - ttl_seconds) < 60


def test_positioned_items_come_first_then_the_newest(console: Console) -> None:
    now = timezone.now()
    old = make_recommendation(recommended_at=now - timedelta(days=2)).video
    new = make_recommendation(recommended_at=now - timedelta(days=1)).video
    second = make_recommendation(position=2).video
    first = make_recommendation(position=1).video
    expected = [video.vod_id for video in (first, second, new, old)]
    assert search(console, "getRecommendVideos") == expected


def test_items_are_filtered_by_the_title_that_they_show(console: Console) -> None:
    renamed = make_video(title="Hills")
    make_recommendation(renamed, title="Waves", title_search=folded("Waves"))
    assert search(console, "getRecommendVideos", title="waves") == [renamed.vod_id]
    assert search(console, "getRecommendVideos", title="hills") == []
    assert search(console, "getRecommendVideos", censorStatus="fail") == []


def test_only_passed_videos_are_recommended(console: Console) -> None:
    for status in (CensorStatus.CHECK, CensorStatus.FAIL, CensorStatus.ON_CENSOR):
        video = make_video(recommended=True, censor_status=status)
        answer = console.get("getRecommendVideoById", videoId=video.vod_id)
        assert answer["code"] == "404"
    assert search(console, "getRecommendVideos") == []


@pytest.mark.parametrize(
    ("files", "source", "key"),
    [
        (
            [
                make_file("m.example/std.mp4", height=1920),
                make_file("m.example/a/nb.mp4", height=640, is_narrowband=True),
            ],
            "m.example/source.mp4",
            "a/nb.mp4",
        ),
        (
            [make_file("m.example/s.mp4"), make_file("m.example/l.mp4", height=1920)],
            "m.example/source.mp4",
            "l.mp4",
        ),
        ([], "m.example/source.mp4", "source.mp4"),
    ],
)
def test_file_url_is_the_key_of_the_best_file(
    files: list[Any], source: str, key: str, console: Console
) -> None:
    make_video(files=files, source_path=source, recommended=True)
    [item] = console.get("getRecommendVideos")["data"]["videoList"]
    assert item["fileUrl"] == key
    assert item["playUrl"] == f"http://m.example/{key}"
