"""getVideoById and playing, with VOD behind them."""

from typing import Any

import pytest

from shortvideo.cloud import vod_gateway
from shortvideo.outbox.models import Delivery
from tests.factories import make_file, make_operator, make_video
from tests.support.console import Console
from tests.support.localvod import LocalVod
from videos.models import CensorStatus, Video

pytestmark = pytest.mark.django_db
PLAY = "/vodVideo/getVideoById"


def test_a_video_that_only_vod_has_is_fetched_and_stored(console: Console, cloud: LocalVod) -> None:
    vod_id = cloud.seed(title="Only there", status="Normal", uploader={"userId": "u1"})
    answer = console.get("getVideoById", videoId=vod_id)
    data = answer["data"]
    assert Delivery.objects.for_subject(vod_id).get().payload == {"request_id": answer["requestId"]}
    assert (data["videoId"], data["title"], data["user"]["userId"]) == (vod_id, "Only there", "u1")
    calls = len(cloud.ledger("GetVideoInfo"))
    assert console.get("getVideoById", videoId=vod_id)["code"] == "200"
    assert len(cloud.ledger("GetVideoInfo")) == calls


def test_a_video_unknown_to_vod_is_404_and_remembered(console: Console, cloud: LocalVod) -> None:
    for _ in range(2):
        assert console.get("getVideoById", videoId="f" * 32)["code"] == "404"
    assert len(cloud.ledger("GetVideoInfo")) == 1


@pytest.mark.usefixtures("cloud")
@pytest.mark.parametrize("vod_id", ["a,b", "x" * 1_000, "視頻", "a b", "../..", "%00"])
def test_an_invalid_id_is_404(vod_id: str, console: Console) -> None:
    assert console.get("getVideoById", videoId=vod_id)["code"] == "404"


def test_a_deleted_video_is_404_and_not_fetched(console: Console, cloud: LocalVod) -> None:
    vod_id = cloud.seed(status="Normal")
    console.get("getVideoById", videoId=vod_id)
    assert console.post("deleteVideoById", videoId=vod_id, userId="")["code"] == "200"
    calls = len(cloud.ledger("GetVideoInfo"))
    for operation in ("getVideoById", PLAY):
        assert console.get(operation, videoId=vod_id)["code"] == "404"
    assert len(cloud.ledger("GetVideoInfo")) == calls


@pytest.mark.parametrize("operation", ["getVideoById", PLAY])
def test_an_unreachable_vod_is_503(operation: str, console: Console) -> None:
    response = console.http.get(
        operation if operation == PLAY else "/console/vod/getVideoById",
        {"videoId": "a" * 32, "consoleToken": console.token},
    )
    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    answer = console.get(operation, videoId="a" * 32)
    assert (answer["code"], answer["message"]) == ("503", "VOD cannot be reached now; try again.")
    assert not Video.objects.exists()


@pytest.mark.parametrize("code", ["InvalidParameter", "InvalidVideoId.Malformed"])
def test_an_id_that_vod_calls_malformed_is_404_and_remembered(
    code: str, console: Console, cloud: LocalVod
) -> None:
    cloud.faults({"operation": "GetVideoInfo", "kind": "error", "code": code, "status": 400})
    for _ in range(2):
        assert console.get("getVideoById", videoId="f" * 32)["code"] == "404"
    assert len(cloud.ledger("GetVideoInfo")) == 1


def test_any_other_refusal_is_503_and_not_remembered(console: Console, cloud: LocalVod) -> None:
    vod_id = cloud.seed(status="Normal")
    cloud.faults({"operation": "GetVideoInfo", "kind": "error", "code": "Forbidden", "status": 403})
    assert console.get("getVideoById", videoId=vod_id)["code"] == "503"
    cloud.faults()
    assert console.get("getVideoById", videoId=vod_id)["code"] == "200"


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"code": "Forbidden", "status": 403}, "503"),
        ({"code": "InvalidVideo.NotFound", "status": 404}, "404"),
        ({"code": "InvalidVideo.NoneStream", "status": 404}, "409"),
    ],
)
def test_playing_maps_each_refusal_of_vod_to_a_code(
    fault: dict[str, Any], code: str, cloud: LocalVod
) -> None:
    vod_id = cloud.seed(status="Checking")
    cloud.faults({"operation": "GetPlayInfo", "kind": "error", **fault})
    assert Console(make_operator("moderator")).get(PLAY, videoId=vod_id)["code"] == code


def test_fetching_and_playing_share_one_time_limit(cloud: LocalVod) -> None:
    console = Console(make_operator("moderator"))
    vod_id = cloud.seed(status="Checking", files=True)
    vod_gateway().add_security_ips(["127.0.0.1"], group="Default")
    cloud.faults({"operation": "*", "latency_seconds": 1.8})
    assert console.get(PLAY, videoId=vod_id)["code"] == "503"
    assert console.get(PLAY, videoId=vod_id)["code"] == "200", "the first request has stored it"


def test_a_published_video_plays_from_the_mirror() -> None:
    console = Console(make_operator("viewer"))
    files = [
        make_file("m.example/sd.mp4", definition="SD"),
        make_file("m.example/ld.mp4", definition="LD"),
    ]
    video = make_video(files=files)
    answer = console.get(PLAY, videoId=video.vod_id)
    assert answer["data"] == {
        "playInfoList": [
            {"definition": "SD", "playURL": "http://m.example/sd.mp4"},
            {"definition": "LD", "playURL": "http://m.example/ld.mp4"},
        ]
    }


def test_a_published_video_without_streams_plays_its_source() -> None:
    console = Console(make_operator("viewer"))
    video = make_video(files=[], source_path="m.example/source.mp4")
    [info] = console.get(PLAY, videoId=video.vod_id)["data"]["playInfoList"]
    assert info == {"definition": "OD", "playURL": "http://m.example/source.mp4"}


def test_an_unpublished_video_plays_if_vod_lists_our_address(cloud: LocalVod) -> None:
    console = Console(make_operator("moderator"))
    vod_id = cloud.seed(status="Checking", files=True)
    refused = console.get(PLAY, videoId=vod_id)
    assert refused["code"] == "409"
    assert "security IPs of review" in refused["message"]
    vod_gateway().add_security_ips(["127.0.0.1"], group="Default")
    infos = console.get(PLAY, videoId=vod_id)["data"]["playInfoList"]
    assert infos
    assert all(info["playURL"].startswith(f"http://{cloud.endpoint}/") for info in infos)


@pytest.mark.parametrize("status", [CensorStatus.CHECK, CensorStatus.FAIL, CensorStatus.ON_CENSOR])
@pytest.mark.parametrize("role", ["viewer", "curator"])
def test_only_reviewers_play_unpublished_videos(role: str, status: CensorStatus) -> None:
    video = make_video(censor_status=status)
    answer = Console(make_operator(role)).get(PLAY, videoId=video.vod_id)
    assert answer["code"] == "403"
    assert answer["message"] == "You lack the permission videos.play_unpublished_video."


@pytest.mark.parametrize("path", [PLAY, f"{PLAY}/"])
def test_playing_needs_a_token(path: str) -> None:
    assert Console().get(path, videoId=make_video().vod_id)["code"] == "403"
