"""GetVideoInfo(s), UpdateVideoInfo, DeleteVideo, GetPlayInfo, GetMezzanineInfo, GetCategories."""

import json

import pytest
from alibabacloud_vod20170321 import models
from alibabacloud_vod20170321.client import Client

from tests.localvod.conftest import refused
from tests.support.localvod import LocalVod

UPLOADER = {"userId": "7", "userName": "小明", "avatarUrl": "http://a.example/7.png"}


def play(client: Client, video_id: str, **parameters: str) -> models.GetPlayInfoResponseBody:
    return client.get_play_info(models.GetPlayInfoRequest(video_id=video_id, **parameters)).body


def list_reviewer(client: Client) -> None:
    client.set_audit_security_ip(models.SetAuditSecurityIpRequest(ips="127.0.0.1"))


def test_one_video_carries_its_user_data_and_wrapped_snapshots(
    vod: LocalVod, client: Client
) -> None:
    video_id = vod.seed(uploader=UPLOADER, snapshots=3, audit_status="Normal")
    video = client.get_video_info(models.GetVideoInfoRequest(video_id=video_id)).body.video
    assert json.loads(video.user_data) == {"Extend": UPLOADER}
    assert len(video.snapshots.snapshot) == 3
    assert video.audit_status == "Normal"


def test_several_videos_are_returned_with_the_unknown_ids(vod: LocalVod, client: Client) -> None:
    first, second = vod.seed(snapshots=2), vod.seed(reference_id="my-ref-1")
    request = models.GetVideoInfosRequest(video_ids=f"{first},nobody", reference_ids="my-ref-1")
    body = client.get_video_infos(request).body
    assert [video.video_id for video in body.video_list] == [first, second]
    assert len(body.video_list[0].snapshots) == 2
    assert body.non_exist_video_ids == ["nobody"]


def test_only_unknown_ids_are_refused(vod: LocalVod, client: Client) -> None:
    with refused("InvalidVideo.NotFound", 404):
        client.get_video_info(models.GetVideoInfoRequest(video_id="nobody"))
    with refused("InvalidVideo.NotFound", 404):
        client.get_video_infos(models.GetVideoInfosRequest(video_ids="nobody,noone"))


def test_more_than_20_ids_are_refused(vod: LocalVod, client: Client) -> None:
    ids = [vod.seed() for _ in range(20)]
    request = models.GetVideoInfosRequest(video_ids=",".join(ids))
    assert len(client.get_video_infos(request).body.video_list) == 20
    with refused("InvalidParameter", 400):
        client.get_video_infos(models.GetVideoInfosRequest(video_ids=",".join([*ids, "x"])))
    with refused("VideoIdsExceededMax", 400):
        client.delete_video(models.DeleteVideoRequest(video_ids=",".join([*ids, "x"])))
    assert vod.state(ids[0])["video"] is not None


def test_a_published_video_plays_in_each_definition(vod: LocalVod, client: Client) -> None:
    body = play(client, vod.seed(duration=8.0))
    streams = body.play_info_list.play_info
    assert [stream.definition for stream in streams] == ["LD", "SD"]
    assert isinstance(streams[0].size, int)
    assert isinstance(streams[0].bitrate, str)
    assert body.video_base.duration == "8.0"
    assert vod.get(streams[0].play_url).status_code == 200
    only = play(client, body.video_base.video_id, definition="SD").play_info_list.play_info
    assert [stream.definition for stream in only] == ["SD"]


def test_a_video_without_streams_is_an_error(vod: LocalVod, client: Client) -> None:
    with refused("InvalidVideo.NoneStream", 404):
        play(client, vod.seed(files=False))


@pytest.mark.parametrize("status", ["Checking", "Blocked"])
def test_unpublished_videos_play_for_reviewers_only(
    vod: LocalVod, client: Client, status: str
) -> None:
    video_id = vod.seed(status=status)
    with refused("Forbidden.IllegalStatus", 403):
        play(client, video_id)
    list_reviewer(client)
    visible = "Invisible" if status == "Blocked" else "Normal"
    assert play(client, video_id).play_info_list.play_info[0].status == visible


def test_a_video_does_not_play_before_it_is_transcoded(vod: LocalVod, client: Client) -> None:
    list_reviewer(client)
    with refused("Forbidden.IllegalStatus", 403):
        play(client, vod.seed(status="Transcoding"))


def test_review_ips_have_groups_and_can_be_networks(vod: LocalVod, client: Client) -> None:
    request = models.SetAuditSecurityIpRequest
    client.set_audit_security_ip(request(ips="10.0.0.0/8,192.0.2.7"))
    client.set_audit_security_ip(request(ips="192.0.2.7", operate_mode="Delete"))
    client.set_audit_security_ip(request(ips="127.0.0.0/8", security_group_name="desk"))
    groups = client.list_audit_security_ip(models.ListAuditSecurityIpRequest()).body
    listed = {group.security_group_name: group.ips for group in groups.security_ip_list}
    assert listed == {"Default": "10.0.0.0/8", "desk": "127.0.0.0/8"}
    assert play(client, vod.seed(status="Checking")).play_info_list.play_info
    with refused("InvalidParameter", 400):
        client.set_audit_security_ip(request(ips="localhost"))


def test_an_update_changes_the_given_fields_only(vod: LocalVod, client: Client) -> None:
    video_id = vod.seed(title="old", description="kept", tags="a")
    client.update_video_info(models.UpdateVideoInfoRequest(video_id=video_id, title="new"))
    video = vod.state(video_id)["video"]
    assert (video["title"], video["description"], video["tags"]) == ("new", "kept", "a")


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"title": "题" * 43}, "LengthExceededMax"),
        ({"description": "x" * 1025}, "LengthExceededMax"),
        ({"tags": ",".join("abcdefghijklmnopq")}, "TagsExceededMax"),
        ({"tags": "x" * 33}, "LengthExceededMax"),
        ({"user_data": "{broken"}, "InvalidParameter"),
        ({"user_data": json.dumps({"Extend": "界" * 171})}, "InvalidParameter"),
    ],
)
def test_limits_are_in_bytes(
    vod: LocalVod, client: Client, parameters: dict[str, str], code: str
) -> None:
    video_id = vod.seed(title="old")
    request = models.UpdateVideoInfoRequest(video_id=video_id, **parameters)
    with refused(code, 400):
        client.update_video_info(request)
    assert vod.state(video_id)["video"]["title"] == "old"


def test_a_title_of_128_bytes_passes(vod: LocalVod, client: Client) -> None:
    video_id, title = vod.seed(), "题" * 42 + "ab"
    client.update_video_info(models.UpdateVideoInfoRequest(video_id=video_id, title=title))
    assert vod.state(video_id)["video"]["title"] == title


def test_deleted_videos_are_gone_and_unknown_ids_are_named(vod: LocalVod, client: Client) -> None:
    video_id = vod.seed()
    body = client.delete_video(models.DeleteVideoRequest(video_ids=f"{video_id},nobody")).body
    assert body.non_exist_video_ids == ["nobody"]
    state = vod.state(video_id)
    assert state["video"] is None
    assert state["deleted_at"]
    with refused("InvalidVideo.NotFound", 404):
        client.delete_video(models.DeleteVideoRequest(video_ids=video_id))


def test_an_unpublished_source_has_facts_but_no_url(vod: LocalVod, client: Client) -> None:
    video_id = vod.seed(status="Checking", size=99)
    request = models.GetMezzanineInfoRequest(video_id=video_id)
    mezzanine = client.get_mezzanine_info(request).body.mezzanine
    assert (mezzanine.size, mezzanine.status, mezzanine.file_url) == (99, "Normal", None)
    with refused("InvalidFile.NotFound", 404):
        request = models.GetMezzanineInfoRequest(video_id=vod.seed(status="Uploading"))
        client.get_mezzanine_info(request)


def test_categories_are_listed_below_minus_one(vod: LocalVod, client: Client) -> None:
    body = client.get_categories(models.GetCategoriesRequest(cate_id=-1)).body
    first = body.sub_categories.category[0]
    one = client.get_categories(models.GetCategoriesRequest(cate_id=first.cate_id)).body
    assert one.category.cate_name == first.cate_name
    with refused("InvalidCateId.NotFound", 404):
        client.get_categories(models.GetCategoriesRequest(cate_id=5))
