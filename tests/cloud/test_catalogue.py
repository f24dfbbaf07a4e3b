"""Requests to VOD about its videos, and how the answers are read."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from shortvideo.cloud.errors import CloudRejected, CloudUnavailable
from shortvideo.cloud.types import (
    AuditStatus,
    Uploader,
    VodStatus,
)
from shortvideo.cloud.vod import VodGateway
from tests.cloud.liar import Liar, answer, refusal

VIDEO: dict[str, Any] = {
    "VideoId": "v1",
    "Title": "海边的日落",
    "Description": "",
    "Tags": "sea,sun",
    "CateId": 10,
    "CateName": "Nature",
    "CoverURL": "http://media.example.com/v1/cover.jpg?auth_key=1-0-0-abc",
    "Status": "Normal",
    "Size": 1_048_576,
    "Duration": 12.345,
    "CreationTime": "2026-03-01T08:00:00Z",
    "ModificationTime": "2026-03-01T08:05:00Z",
    "StorageLocation": "out-1.oss-cn-shanghai.aliyuncs.com",
}
MOMENT = datetime(2026, 3, 1, 8, tzinfo=UTC)


def test_a_search_asks_for_a_half_open_window_in_utc(vod: VodGateway, liar: Liar) -> None:
    liar.says(answer({"Total": 0}))
    vod.search(
        created_from=datetime.fromisoformat("2026-03-01T16:00:00+08:00"),
        created_before=datetime(2026, 3, 2, tzinfo=UTC),
        statuses=[VodStatus.NORMAL, VodStatus.CHECKING],
        newest_first=True,
        page_no=3,
        scroll_token="t" * 32,
    )
    asked = liar.requests[0].parameters
    assert asked["Match"] == (
        "CreationTime=['2026-03-01T08:00:00Z','2026-03-02T00:00:00Z')"
        " and Status in ('Normal','Checking')"
    )
    assert asked["SortBy"] == "CreationTime:Desc"
    assert (asked["SearchType"], asked["PageNo"], asked["PageSize"]) == ("video", "3", "100")
    assert asked["ScrollToken"] == "t" * 32


def test_a_search_without_conditions_sends_none(vod: VodGateway, liar: Liar) -> None:
    liar.says(answer({"Total": 0}))
    vod.search()
    assert {"Match", "ScrollToken"}.isdisjoint(liar.requests[0].parameters)


def test_a_status_cannot_inject_a_condition(vod: VodGateway, liar: Liar) -> None:
    with pytest.raises(ValueError, match="quotation mark"):
        vod.search(statuses=["Normal') or Status in ('Blocked"])
    assert liar.requests == []


def test_a_search_row_has_none_for_unknown_fields(vod: VodGateway, liar: Liar) -> None:
    row = {"MediaId": "v1", "Video": {**VIDEO, "Snapshots": ["http://media.example.com/1.jpg?a=b"]}}
    liar.says(answer({"Total": 6001, "MediaList": [row], "ScrollToken": "next"}))
    before = datetime.now(UTC)
    page = vod.search()
    assert (page.total, page.scroll_token) == (6001, "next")
    [facts] = page.videos
    assert before <= facts.read_at <= datetime.now(UTC)
    assert facts.origin == "search"
    assert (facts.vod_id, facts.title, facts.status) == ("v1", "海边的日落", VodStatus.NORMAL)
    assert (facts.size, facts.duration, facts.cate_id) == (1_048_576, 12.345, 10)
    assert facts.creation_time == MOMENT
    assert facts.cover == "media.example.com/v1/cover.jpg"
    assert facts.snapshots == ("media.example.com/1.jpg",)
    assert (facts.user_data, facts.audit_status, facts.template_group_id) == (None, None, None)


def test_a_single_fetch_fills_every_field(vod: VodGateway, liar: Liar) -> None:
    extend = {"userId": "u1", "userName": "阿明", "avatarUrl": "http://media.example.com/u1.png"}
    video = {
        **VIDEO,
        "AuditStatus": "Blocked",
        "TemplateGroupId": "g1",
        "UserData": json.dumps({"Extend": extend}),
        "Snapshots": {"Snapshot": ["http://media.example.com/1.jpg"]},
    }
    liar.says(answer({"Video": video}))
    facts = vod.get_info("v1")
    assert facts.origin == "info"
    assert facts.audit_status == AuditStatus.BLOCKED
    assert facts.template_group_id == "g1"
    assert facts.snapshots == ("media.example.com/1.jpg",)
    assert facts.user_data
    assert facts.user_data.uploader == Uploader("u1", "阿明", "http://media.example.com/u1.png")


def test_numbers_as_text_are_numbers(vod: VodGateway, liar: Liar) -> None:
    liar.says(answer({"Video": {**VIDEO, "Size": "42", "Duration": "7.5", "CateId": "-1"}}))
    facts = vod.get_info("v1")
    assert (facts.size, facts.duration, facts.cate_id) == (42, 7.5, 0)


def test_absent_texts_are_empty_and_absent_moments_are_none(vod: VodGateway, liar: Liar) -> None:
    liar.says(answer({"Video": {"VideoId": "v1", "Status": "Uploading"}}))
    facts = vod.get_info("v1")
    assert (facts.title, facts.cover, facts.size, facts.snapshots) == ("", "", 0, ())
    assert (facts.creation_time, facts.user_data, facts.audit_status) == (None, None, "")


@pytest.mark.parametrize(
    "change",
    [{"Size": 10**30}, {"Size": "much"}, {"Duration": float("inf")}, {"CreationTime": "now"}],
    ids=str,
)
def test_a_value_that_no_database_stores_is_not_understood(
    vod: VodGateway, liar: Liar, change: dict[str, Any]
) -> None:
    liar.says(answer({"Video": {**VIDEO, **change}}))
    with pytest.raises(CloudUnavailable, match="VOD's answer to GetVideoInfo is not understood"):
        vod.get_info("v1")


def test_characters_that_no_database_stores_are_left_out(vod: VodGateway, liar: Liar) -> None:
    liar.says(answer({"Video": {**VIDEO, "Title": "a\x00b\ud800c"}}))
    assert vod.get_info("v1").title == "ab?c"


def test_an_unknown_status_is_passed_on(vod: VodGateway, liar: Liar) -> None:
    liar.says(answer({"Video": {**VIDEO, "Status": "Archived"}}))
    assert vod.get_info("v1").status == "Archived"


def test_a_batch_names_the_ids_that_are_missing(vod: VodGateway, liar: Liar) -> None:
    video = {**VIDEO, "UserData": '{"Extend":"{\\"userId\\":7}"}', "Snapshots": ["m.example/1.jpg"]}
    liar.says(answer({"VideoList": [video], "NonExistVideoIds": ["v2"]}))
    found = vod.get_infos(["v1", "v2"])
    assert liar.requests[0].parameters["VideoIds"] == "v1,v2"
    assert found.missing_ids == ("v2",)
    [facts] = found.videos
    assert facts.user_data
    assert facts.user_data.uploader == Uploader("7")
    assert facts.audit_status is None
    assert facts.snapshots == ("m.example/1.jpg",)


NOT_FOUND = refusal("InvalidVideo.NotFound", 404)


def test_a_batch_whose_ids_are_all_missing_is_no_error(vod: VodGateway, liar: Liar) -> None:
    liar.says(NOT_FOUND)
    assert vod.get_infos(["v1", "v2", "v3"]).missing_ids == ("v1", "v2", "v3")


def test_a_missing_video_does_not_hide_others_of_its_batch(vod: VodGateway, liar: Liar) -> None:
    liar.says(NOT_FOUND, NOT_FOUND, answer({"VideoList": [{**VIDEO, "VideoId": "v2"}]}))
    found = vod.get_infos(["v1", "v2"])
    assert [facts.vod_id for facts in found.videos] == ["v2"]
    assert found.missing_ids == ("v1",)
    asked = [request.parameters["VideoIds"] for request in liar.requests]
    assert asked == ["v1,v2", "v1", "v2"]


def test_not_found_is_an_answer_to_a_single_deletion_only(vod: VodGateway, liar: Liar) -> None:
    liar.says(NOT_FOUND)
    assert vod.delete(["v1"]).missing_ids == ("v1",)
    with pytest.raises(CloudRejected):
        vod.delete(["v1", "v2"])


@pytest.mark.parametrize("row", [{"VideoId": "v1"}, {**VIDEO, "Size": "much"}], ids=["bare", "bad"])
def test_an_unreadable_row_is_left_out_and_named(
    vod: VodGateway, liar: Liar, row: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    good = {**VIDEO, "VideoId": "v2"}
    liar.says(answer({"VideoList": [row, good]}))
    found = vod.get_infos(["v1", "v2"])
    assert [facts.vod_id for facts in found.videos] == ["v2"]
    assert found.unreadable_ids == {"v1"}
    liar.says(answer({"Total": 2, "MediaList": [{"Video": row}, {"Video": good}]}))
    page = vod.search()
    assert [facts.vod_id for facts in page.videos] == ["v2"]
    assert (page.unreadable_ids, page.row_count) == (("v1",), 2)
    assert caplog.text.count("A row cannot be read") == 2


@pytest.mark.parametrize("count", [0, 21])
def test_a_batch_has_1_to_20_ids(vod: VodGateway, liar: Liar, count: int) -> None:
    ids = [str(number) for number in range(count)]
    for call in (vod.get_infos, vod.delete):
        with pytest.raises(ValueError, match=f"{count} video ids were given; one call takes 1 to"):
            call(ids)
    assert liar.requests == []


@pytest.mark.parametrize("missing", [["v1"], "v1"])
def test_a_deletion_names_missing_and_forbidden_videos(
    vod: VodGateway, liar: Liar, missing: object
) -> None:
    liar.says(answer({"NonExistVideoIds": missing, "ForbiddenVideoIds": "v2,v3"}))
    deleted = vod.delete(["v1", "v2", "v3", "v4"])
    assert (deleted.missing_ids, deleted.forbidden_ids) == (("v1",), ("v2", "v3"))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"title": "字" * 43}, "The title has 129 bytes of UTF-8; at most 128"),
        ({"description": "x" * 1025}, "The description has 1025 bytes"),
        ({"tags": ["t"] * 17}, "17 tags were given; at most 16"),
        ({"tags": ["字" * 11]}, "has 33 bytes of UTF-8; at most 32"),
        ({"tags": ["a,b"]}, "holds a comma"),
    ],
)
def test_texts_that_vod_would_refuse_are_not_sent(
    vod: VodGateway, liar: Liar, fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        vod.update_info("v1", **fields)
    assert liar.requests == []
