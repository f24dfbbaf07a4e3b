"""SearchMedia: matches, order, and the reach of pages and scrolls."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from alibabacloud_vod20170321 import models
from alibabacloud_vod20170321.client import Client

from localvod.cloud import Cloud
from localvod.library import COMPUTED, Position
from localvod.operations.parameters import Parameters
from localvod.operations.registry import Call
from localvod.operations.search import search_media
from localvod.scrolls import Scroll
from localvod.settings import parse_settings, raw_from_environment
from tests.localvod.conftest import refused
from tests.support.localvod import LocalVod


def search(client: Client, **parameters: object) -> models.SearchMediaResponseBody:
    body = client.search_media(models.SearchMediaRequest(**parameters)).body
    assert body is not None
    return body


def ids(body: models.SearchMediaResponseBody) -> list[str]:
    return [media.media_id for media in body.media_list]


def seed_days(vod: LocalVod, count: int) -> list[str]:
    """Videos of consecutive days of January 2026, the earliest first."""
    return vod.seed_many(
        [{"creation_time": f"2026-01-{day:02d}T08:00:00Z"} for day in range(1, count + 1)]
    )


def walk(client: Client, **parameters: object) -> list[str]:
    """All ids of a search, read by ScrollToken."""
    found: list[str] = []
    token = None
    while True:
        body = search(client, scroll_token=token, **parameters)
        if not body.media_list:
            return found
        found += ids(body)
        token = body.scroll_token


def test_without_fields_only_id_and_time_are_returned(vod: LocalVod, client: Client) -> None:
    vod.seed(title="quiet")
    media = search(client).media_list[0].to_map()
    assert set(media) == {"MediaId", "MediaType", "CreationTime", "Video"}
    assert set(media["Video"]) == {"VideoId", "CreationTime"}


def test_requested_fields_are_returned_in_their_types(vod: LocalVod, client: Client) -> None:
    vod.seed(title="新年", size=1234, duration=7.5, snapshots=2, tags="a,b")
    fields = "Title,Size,Duration,Snapshots,CoverURL,Tags,Status"
    video = search(client, fields=fields).media_list[0].video
    assert (video.title, video.size, video.duration) == ("新年", 1234, 7.5)
    assert [url.rpartition("-")[2] for url in video.snapshots] == ["00001.jpg", "00002.jpg"]
    assert video.cover_url.startswith(vod.url)
    assert (video.tags, video.status) == ("a,b", "Normal")


def test_the_latest_come_first_by_default(vod: LocalVod, client: Client) -> None:
    videos = seed_days(vod, 3)
    assert ids(search(client)) == videos[::-1]
    assert ids(search(client, sort_by="CreationTime:Asc")) == videos


def test_a_match_narrows_the_page_and_the_total(vod: LocalVod, client: Client) -> None:
    blocked = vod.seed(status="Blocked", title="cat video")
    vod.seed(status="Blocked", title="dog")
    vod.seed(status="Normal", title="cat")
    body = search(client, match="Status in ('Blocked') and Title = 'cat'")
    assert (body.total, ids(body)) == (1, [blocked])


def test_ids_are_found_directly(vod: LocalVod, client: Client) -> None:
    videos = seed_days(vod, 3)
    body = search(client, match=f"VideoId in ('{videos[0]}','{videos[2]}','unknown')")
    assert (body.total, ids(body)) == (2, [videos[2], videos[0]])


def test_an_open_end_of_a_window_excludes_its_second(vod: LocalVod, client: Client) -> None:
    videos = seed_days(vod, 4)
    ends = "'2026-01-01T08:00:00Z','2026-01-03T08:00:00Z'"
    half_open = search(client, match=f"CreationTime = [{ends})")
    assert (half_open.total, ids(half_open)) == (2, videos[:2][::-1])
    closed = search(client, match=f"CreationTime = [{ends}]")
    assert (closed.total, ids(closed)) == (3, videos[:3][::-1])


def test_a_window_of_modification_finds_stored_and_computed(vod: LocalVod, client: Client) -> None:
    vod.catalogue(400)
    computed = search(client, fields="ModificationTime", page_size=100, page_no=2).media_list
    moments = sorted(media.video.modification_time for media in computed)
    stored = vod.seed(creation_time="2026-01-01T00:00:00Z", modification_time=moments[50])
    vod.seed(creation_time=moments[50], modification_time="2026-07-01T00:00:00Z")
    everything = walk(client, page_size=100)
    expected = {
        media.media_id
        for start in range(0, 402, 100)
        for media in search(
            client,
            match=_ids_match(everything[start : start + 100]),
            fields="ModificationTime",
            page_size=100,
        ).media_list
        if moments[20] < media.video.modification_time <= moments[80]
    }
    match = f"ModificationTime = ('{moments[20]}','{moments[80]}']"
    assert set(walk(client, match=match, page_size=20)) == expected
    assert stored in expected
    by_modification = search(client, match=match, sort_by="ModificationTime:Asc", page_size=100)
    assert set(ids(by_modification)) == expected
    assert by_modification.total == len(expected)


def _ids_match(videos: list[str]) -> str:
    return "VideoId in (" + ",".join(f"'{video_id}'" for video_id in videos) + ")"


def test_a_bad_match_is_refused(vod: LocalVod, client: Client) -> None:
    with refused("ErrorMatchSyntax", 400):
        search(client, match="Colour = 'red'")


@pytest.mark.parametrize("parameters", [{"page_size": 101}, {"page_size": 0}, {"page_no": 0}])
def test_pages_outside_the_limits_are_refused(
    vod: LocalVod, client: Client, parameters: dict[str, int]
) -> None:
    with refused("InvalidParameter", 400):
        search(client, **parameters)


def test_pages_reach_at_most_5000_videos(vod: LocalVod, client: Client) -> None:
    vod.catalogue(6000)
    assert len(ids(search(client, page_size=100, page_no=50))) == 100
    with refused("InvalidParameter", 400):
        search(client, page_size=100, page_no=51)


def test_beyond_page_200_a_token_is_needed(vod: LocalVod, client: Client) -> None:
    vod.catalogue(300)
    assert len(ids(search(client, page_size=1, page_no=200))) == 1
    with refused("InvalidParameter", 400):
        search(client, page_size=1, page_no=201)
    token = search(client, page_size=1, page_no=200).scroll_token
    assert len(ids(search(client, page_size=1, page_no=201, scroll_token=token))) == 1


def test_a_walk_ends_after_two_million_videos(cloud: Cloud) -> None:
    with cloud.database.transaction() as tx:
        cloud.videos.set_catalogue(tx, 2_000_500, seed=1)
    assert cloud.videos.catalogue is not None
    last = cloud.videos.catalogue.video(1_999_899)
    place = Position(str(last["CreationTime"]), COMPUTED, 1_999_899)
    token = cloud.scrolls.issue(Scroll("", "CreationTime:Asc", 100, 19_999, place, 2_000_500))
    page = next_page(cloud, token)
    assert len(page["MediaList"]) == 100
    after = next_page(cloud, page["ScrollToken"])
    assert (after["MediaList"], "ScrollToken" in after) == ([], False)


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    """A cloud without its server, for a walk that starts near its end."""
    settings = parse_settings(raw_from_environment({"LOCALVOD_STATE": str(tmp_path)}))
    cloud = Cloud(settings)
    yield cloud
    cloud.jobs.stop()


def next_page(cloud: Cloud, token: str) -> Mapping[str, Any]:
    values = {"SortBy": "CreationTime:Asc", "PageSize": "100", "ScrollToken": token}
    call = Call("SearchMedia", "vod", Parameters(values), "127.0.0.1", "request", "localvod")
    return search_media(cloud, cloud.database.reader(), call)


def test_a_walk_returns_every_video_once(vod: LocalVod, client: Client) -> None:
    vod.catalogue(5350)
    middle = "2026-06-29T00:00:00Z"
    stored = vod.seed_many([{"creation_time": middle} for _ in range(7)])
    found = walk(client, page_size=100)
    assert len(found) == len(set(found)) == 5357
    assert set(stored) <= set(found)
    assert walk(client, page_size=100, sort_by="CreationTime:Asc") == walk_reversed(client)


def walk_reversed(client: Client) -> list[str]:
    return walk(client, page_size=100)[::-1]


def test_a_token_used_again_gives_the_same_page(vod: LocalVod, client: Client) -> None:
    vod.catalogue(500)
    token = search(client, page_size=50).scroll_token
    assert len(token) == 32
    again = [ids(search(client, page_size=50, scroll_token=token)) for _ in range(2)]
    assert again[0] == again[1]


def test_a_walk_jumps_at_most_100_videos(vod: LocalVod, client: Client) -> None:
    vod.catalogue(500)
    token = search(client, page_size=20).scroll_token
    whole = walk(client, page_size=20)
    assert ids(search(client, page_size=20, page_no=5, scroll_token=token)) == whole[80:100]
    with refused("InvalidParameter"):
        search(client, page_size=20, page_no=6, scroll_token=token)
    with refused("InvalidParameter"):
        search(client, page_size=20, page_no=1, scroll_token=token)


def test_a_walk_refuses_another_match_order_or_size(vod: LocalVod, client: Client) -> None:
    vod.catalogue(500)
    token = search(client, page_size=20).scroll_token
    with refused("InvalidParameter"):
        search(client, page_size=50, scroll_token=token)


def test_an_unknown_token_is_expired(vod: LocalVod, client: Client) -> None:
    with refused("InvalidScrollToken.Expired", 400):
        search(client, scroll_token="0" * 32)


def test_three_sort_fields_by_page_and_one_in_a_walk(vod: LocalVod, client: Client) -> None:
    seed_days(vod, 3)
    three = "ModificationTime:Desc,CreationTime:Asc,ModificationTime:Asc"
    token = search(client, sort_by=three).scroll_token
    with refused("SortByExceededMax", 400):
        search(client, sort_by=three, scroll_token=token)
    with refused("SortByExceededMax", 400):
        search(client, sort_by=f"{three},CreationTime:Desc")


def test_other_media_types_are_empty(vod: LocalVod, client: Client) -> None:
    vod.seed()
    assert search(client, search_type="image").total == 0
    with refused("InvalidParameter"):
        search(client, search_type="smell")


def test_a_changed_video_is_found_once_and_a_deleted_one_never(
    vod: LocalVod, client: Client
) -> None:
    vod.catalogue(300)
    everything = walk(client, page_size=100)
    changed, deleted = everything[10], everything[20]
    client.update_video_info(models.UpdateVideoInfoRequest(video_id=changed, title="renamed"))
    client.delete_video(models.DeleteVideoRequest(video_ids=deleted))
    assert walk(client, page_size=100) == [item for item in everything if item != deleted]
    assert search(client).total == 299
    assert ids(search(client, match="Title = 'renamed'")) == [changed]
