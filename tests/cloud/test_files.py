"""Uploads, sources, streams and snapshots: requests and answers."""

import json

import pytest

from shortvideo.cloud.errors import CloudRejected
from shortvideo.cloud.types import (
    Uploader,
    UserData,
)
from shortvideo.cloud.vod import VodGateway
from tests.cloud.liar import Liar, answer, refusal


def test_play_files_are_read_with_numbers_as_text(vod: VodGateway, liar: Liar) -> None:
    stream = {
        "PlayURL": "http://media.example.com/v1/hd.mp4?auth_key=1-0-0-abc",
        "Definition": "HD-NBV1",
        "Format": "mp4",
        "Width": "720",
        "Height": "1280",
        "Size": "5000",
        "Bitrate": "812.5",
        "Fps": "25.0",
        "Duration": "12.3",
        "NarrowBandType": "1.0",
        "JobId": "j1",
        "Status": "Normal",
        "CreationTime": "2026-03-01T08:00:00Z",
    }
    source = {**stream, "Definition": "OD", "NarrowBandType": "0", "JobId": "j2"}
    liar.says(answer({"PlayInfoList": {"PlayInfo": [stream, source]}}))
    narrow, standard = vod.play_files("v1")
    assert liar.requests[0].parameters["ResultType"] == "Multiple"
    assert narrow.path == "media.example.com/v1/hd.mp4"
    assert (narrow.width, narrow.height, narrow.size) == (720, 1280, 5000)
    assert (narrow.bitrate, narrow.fps, narrow.duration) == (812.5, 25.0, 12.3)
    assert (narrow.is_narrowband, narrow.job_id) == (True, "j1")
    assert not standard.is_narrowband


def test_a_blocked_video_has_no_play_files(vod: VodGateway, liar: Liar) -> None:
    liar.says(refusal("Forbidden.IllegalStatus", 403, message="Current Status is Blocked"))
    with pytest.raises(CloudRejected) as caught:
        vod.play_files("v1")
    assert caught.value.code == "Forbidden.IllegalStatus"


def test_the_source_is_read(vod: VodGateway, liar: Liar) -> None:
    liar.says(answer({"Mezzanine": {"FileURL": "http://m.example/s.mp4?x=1", "Size": 9}}))
    source = vod.mezzanine("v1")
    assert (source.path, source.size) == ("m.example/s.mp4", 9)


def test_an_upload_carries_its_uploader(vod: VodGateway, liar: Liar) -> None:
    liar.says(answer({"VideoId": "v9", "UploadAddress": "YWRk", "UploadAuth": "YXV0aA=="}))
    ticket = vod.create_upload(
        title="A clip",
        file_name="clip.mp4",
        tags=["sea", "sun"],
        user_data=UserData.of(Uploader("u1", "Ming")),
    )
    asked = liar.requests[0].parameters
    assert ticket.vod_id == "v9"
    assert asked["Tags"] == "sea,sun"
    assert json.loads(asked["UserData"])["Extend"]["userId"] == "u1"
    assert "YXV0aA==" not in repr(ticket)
