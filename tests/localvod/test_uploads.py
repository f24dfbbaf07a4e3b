"""Real uploads: from CreateUploadVideo to playable streams, with all events."""

import base64
import json
import socket
from pathlib import Path
from typing import Any

import httpx
import pytest
from alibabacloud_vod20170321 import models
from alibabacloud_vod20170321.client import Client

from localvod.uploader import Uploader, User
from tests.localvod.conftest import refused
from tests.localvod.media import make_clip, write_media
from tests.support.localvod import ACCESS_KEY_ID, ACCESS_KEY_SECRET, LocalVod
from tests.support.receiver import Receiver

# Files that only name other files, by the name of each.
LISTS = {
    "list.mp4": "ffconcat version 1.0\nfile {}\n",
    "list.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{}\n#EXT-X-ENDLIST\n",
    "list.mpd": '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
    'profiles="urn:mpeg:dash:profile:isoff-on-demand:2011" mediaPresentationDuration="PT1S">'
    '<Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1">'
    "<BaseURL>{}</BaseURL></Representation></AdaptationSet></Period></MPD>",
    "list.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns={}\nc=IN IP4 127.0.0.1\nt=0 0\n"
    "m=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    "list.asx": '<asx version="3.0"><entry><ref href="{}"/></entry></asx>',
}
NOBODY = User("42", "小红", "http://a.example/42.png")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", seconds=1)


def upload(vod: LocalVod, path: Path, **facts: Any) -> str:
    """Upload like an app, and wait until all jobs and events are done."""
    with Uploader(vod.endpoint, ACCESS_KEY_ID, ACCESS_KEY_SECRET) as uploader:
        video_id = uploader.upload(path, **{"title": "clip", "user": NOBODY, **facts})
    vod.idle()
    return video_id


def listen(client: Client, receiver: Receiver) -> None:
    client.set_message_callback(
        models.SetMessageCallbackRequest(
            callback_type="HTTP", callback_url=receiver.url, event_type_list="ALL"
        )
    )


def video(vod: LocalVod, video_id: str) -> dict[str, Any]:
    found: dict[str, Any] = vod.state(video_id)["video"]
    return found


def test_a_clip_is_transcoded_snapshotted_and_reviewed(
    vod: LocalVod, client: Client, clip: Path
) -> None:
    with Receiver() as receiver:
        listen(client, receiver)
        video_id = upload(vod, clip, verdict="review")
    facts = video(vod, video_id)
    assert (facts["status"], facts["width"], facts["height"]) == ("Checking", 180, 320)
    assert facts["duration"] == pytest.approx(1, abs=0.2)
    assert facts["size"] == clip.stat().st_size
    assert len(facts["snapshots"]) == 8
    told = [item.body["EventType"] for item in receiver.received]
    assert sorted(told) == [
        "AIMediaAuditComplete",
        "FileUploadComplete",
        "MediaBaseChangeComplete",
        "SnapshotComplete",
        "StreamTranscodeComplete",
        "StreamTranscodeComplete",
        "TranscodeComplete",
        "VideoAnalysisComplete",
    ]
    assert {item.body["Status"] for item in receiver.received} == {"success"}
    assert_bodies(receiver, video_id)


def assert_bodies(receiver: Receiver, video_id: str) -> None:
    """The events of one upload have their documented form."""
    extend = {"userId": "42", "userName": "小红", "avatarUrl": "http://a.example/42.png"}
    for name in ("FileUploadComplete", "SnapshotComplete", "TranscodeComplete"):
        body = receiver.of(name)[0].body
        assert body["VideoId"] == video_id
        assert json.loads(body["Extend"]) == extend
    analysis = receiver.of("VideoAnalysisComplete")[0].body
    assert "Extend" not in analysis
    assert (analysis["Width"], analysis["Height"]) == ("180", "320")
    review = receiver.of("AIMediaAuditComplete")[0].body
    assert (review["MediaId"], review["Data"]["Suggestion"]) == (video_id, "review")
    assert review["EventTime"].count(":") == 3
    infos = receiver.of("SnapshotComplete")[0].body["SnapshotInfos"]
    assert {info["SnapshotType"]: info["SnapshotCount"] for info in infos} == {
        "CoverSnapshot": 2,
        "NormalSnapshot": 8,
        "SpriteSnapshot": 1,
    }
    streams = receiver.of("TranscodeComplete")[0].body["StreamInfos"]
    assert [stream["Definition"] for stream in streams] == ["LD", "SD"]
    assert all(isinstance(stream["Bitrate"], str) for stream in streams)


def test_streams_and_pictures_are_real_files(vod: LocalVod, client: Client, clip: Path) -> None:
    video_id = upload(vod, clip, verdict="block")
    vod.audit_in_console(video_id, "Normal")
    request = models.GetPlayInfoRequest(video_id=video_id)
    streams = client.get_play_info(request).body.play_info_list.play_info
    part = vod.get(streams[0].play_url, headers={"Range": "bytes=4-7"})
    assert (part.status_code, part.content) == (206, b"ftyp")
    review = models.GetMediaAuditResultRequest(media_id=video_id)
    result = client.get_media_audit_result(review).body.media_audit_result.to_map()
    tops = [top for scene in result["VideoResult"].values() if isinstance(scene, dict)
            for top in scene.get("TopList", [])]  # fmt: skip
    shown = client.get_video_info(models.GetVideoInfoRequest(video_id=video_id)).body.video
    for url in [shown.cover_url, *shown.snapshots.snapshot, *(top["Url"] for top in tops)]:
        assert vod.get(url).content.startswith(b"\xff\xd8")
    assert len(tops) == 3


def test_a_manual_job_makes_a_real_narrowband_stream(
    vod: LocalVod, client: Client, clip: Path
) -> None:
    video_id = upload(vod, clip)
    vod.audit_in_console(video_id, "Normal")
    request = models.SubmitTranscodeJobsRequest(
        video_id=video_id, template_group_id="narrowband-template-group"
    )
    jobs = client.submit_transcode_jobs(request).body.transcode_jobs.transcode_job
    vod.idle()
    play = client.get_play_info(models.GetPlayInfoRequest(video_id=video_id)).body
    narrow = [item for item in play.play_info_list.play_info if item.narrow_band_type == "1.0"]
    assert {item.job_id for item in narrow} == {job.job_id for job in jobs}
    assert vod.get(narrow[0].play_url).content[4:8] == b"ftyp"


def test_a_corrupt_upload_fails_in_every_job(vod: LocalVod, client: Client, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"\0\0\0\x18ftypmp42" + b"nothing to see here" * 500)
    with Receiver() as receiver:
        listen(client, receiver)
        video_id = upload(vod, broken)
    assert video(vod, video_id)["status"] == "TranscodeFail"
    outcomes = {item.body["EventType"]: item.body["Status"] for item in receiver.received}
    assert outcomes == {
        "MediaBaseChangeComplete": "success",
        "FileUploadComplete": "success",
        "VideoAnalysisComplete": "fail",
        "SnapshotComplete": "fail",
        "TranscodeComplete": "fail",
        "AIMediaAuditComplete": "fail",
    }
    assert "StreamInfos" not in receiver.of("TranscodeComplete")[0].body
    request = models.ListTranscodeTaskRequest(video_id=video_id)
    tasks = client.list_transcode_task(request).body.transcode_task_list
    assert [task.task_status for task in tasks] == ["CompleteAllFail"]


def test_a_file_that_names_another_reads_none(vod: LocalVod, clip: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/secret.mp4"
        lists = {
            f"{number}{name}": text.format(other)
            for name, text in LISTS.items()
            for number, other in enumerate([clip, address])
        }
        ids = {}
        for name, text in lists.items():
            (tmp_path / name).write_text(text)
            ids[name] = upload(vod, tmp_path / name)
        with pytest.raises(BlockingIOError):
            listener.accept()  # there was no connection
    for name, video_id in ids.items():
        facts = video(vod, video_id)
        assert (facts["status"], facts["snapshots"]) == ("TranscodeFail", []), name


def test_tags_switch_snapshots_off(vod: LocalVod, clip: Path) -> None:
    video_id = upload(vod, clip, tags=["snapshots:off"])
    facts = video(vod, video_id)
    assert (facts["snapshots"], facts["cover_url"]) == ([], "")


def test_in_mode_after_a_clip_is_normal_without_a_review(tmp_path: Path, clip: Path) -> None:
    with LocalVod(tmp_path, review_mode="after", auto_review="off") as server:
        video_id = upload(server, clip)
        state = server.state(video_id)
    assert (state["video"]["status"], state["video"]["audit_status"]) == ("Normal", None)
    assert state["review_jobs"] == []


def test_a_second_file_is_reviewed_anew(vod: LocalVod, client: Client, clip: Path) -> None:
    video_id = upload(vod, clip)
    vod.audit_in_console(video_id, "Normal")
    with Uploader(vod.endpoint, ACCESS_KEY_ID, ACCESS_KEY_SECRET) as uploader:
        uploader.resume(video_id, clip)
    vod.idle()
    facts = video(vod, video_id)
    assert (facts["source_version"], facts["status"]) == (2, "Checking")
    assert facts["audit_status"] is None


def test_without_transcoding_the_source_itself_plays(
    vod: LocalVod, client: Client, clip: Path
) -> None:
    video_id = upload(vod, clip, template_group="VOD_NO_TRANSCODE")
    vod.audit_in_console(video_id, "Normal")
    request = models.GetPlayInfoRequest(video_id=video_id)
    streams = client.get_play_info(request).body.play_info_list.play_info
    assert [stream.definition for stream in streams] == ["OD"]
    assert vod.get(streams[0].play_url).content == clip.read_bytes()


@pytest.mark.parametrize(
    ("parameters", "code", "status"),
    [
        ({"title": "", "file_name": "a.mp4"}, "MissingParameter", 400),
        ({"title": "t", "file_name": "a"}, "InvalidFileName.Extension", 400),
        ({"title": "smile 😀", "file_name": "a.mp4"}, "IllegalCharacters", 400),
        ({"title": "flag 🇩🇪", "file_name": "a.mp4"}, "IllegalCharacters", 400),
        ({"title": "new \U0001fae9", "file_name": "a.mp4"}, "IllegalCharacters", 400),
        ({"title": "题" * 43, "file_name": "a.mp4"}, "LengthExceededMax", 400),
        (
            {"title": "t", "file_name": "a.mp4", "template_group_id": "x"},
            "InvalidTemplateGroupId.NotFound",
            404,
        ),
        (
            {"title": "t", "file_name": "a.mp4", "storage_location": "x"},
            "InvalidStorage.NotFound",
            404,
        ),
        ({"title": "t", "file_name": "a.mp4", "reference_id": "abc"}, "InvalidParameter", 400),
    ],
)
def test_a_bad_upload_is_refused(
    vod: LocalVod, client: Client, parameters: dict[str, str], code: str, status: int
) -> None:
    with refused(code, status):
        client.create_upload_video(models.CreateUploadVideoRequest(**parameters))


def test_a_credential_uploads_its_own_file_only(vod: LocalVod, client: Client) -> None:
    request = models.CreateUploadVideoRequest(title="t", file_name="a.mp4")
    body = client.create_upload_video(request).body
    address = json.loads(base64.b64decode(body.upload_address))
    auth = json.loads(base64.b64decode(body.upload_auth))
    assert set(address) == {"Endpoint", "Bucket", "FileName"}
    assert auth["Expiration"] == "3000"
    url = f"http://{address['Endpoint']}/{address['Bucket']}/{address['FileName']}"
    token = {"x-oss-security-token": auth["SecurityToken"]}
    with httpx.Client(trust_env=False) as plain:
        assert plain.put(url, content=b"x").status_code == 403
        assert plain.put(f"{url}x", content=b"x", headers=token).status_code == 403
        assert video(vod, body.video_id)["status"] == "Uploading"
        assert plain.put(url, content=b"x", headers=token).status_code == 200
    vod.idle()
    assert video(vod, body.video_id)["status"] == "TranscodeFail"


@pytest.mark.parametrize("title", ["𠮷野家", "𝔊othic", "葛\U000e0100飾", "☺ ok"])
def test_text_beyond_the_basic_plane_is_no_emoji(vod: LocalVod, client: Client, title: str) -> None:
    request = models.CreateUploadVideoRequest(title=title, file_name="a.mp4")
    assert video(vod, client.create_upload_video(request).body.video_id)["title"] == title


def test_a_picture_shorter_than_its_sound_has_all_its_snapshots(
    vod: LocalVod, client: Client, tmp_path: Path
) -> None:
    path = tmp_path / "sound.mp4"
    source = ("-f", "lavfi", "-i", "testsrc2=s=96x64:d=1", "-f", "lavfi", "-i", "sine=440:d=6")
    write_media(path, *source, "-c:v", "libx264", "-c:a", "aac")
    with Receiver() as receiver:
        listen(client, receiver)
        facts = video(vod, upload(vod, path))
    assert facts["duration"] == pytest.approx(6, abs=0.1)
    assert facts["cover_url"]
    assert (len(facts["snapshots"]), len(facts["sprites"])) == (8, 1)
    assert {item.body["Status"] for item in receiver.received} == {"success"}


def test_a_job_that_ends_unexpectedly_fails_with_a_sentence(
    vod: LocalVod, client: Client, clip: Path
) -> None:
    with (
        Receiver() as receiver,
        Uploader(vod.endpoint, ACCESS_KEY_ID, ACCESS_KEY_SECRET) as uploader,
    ):
        listen(client, receiver)
        video_id = uploader.call("CreateUploadVideo", Title="t", FileName="a.mp4")["VideoId"]
        folder = vod.state_folder / "media" / video_id
        folder.mkdir(parents=True)
        (folder / "snapshots").write_text("a file in the place of a folder")
        uploader.resume(video_id, clip)
        vod.idle()
    state = vod.state(video_id)
    assert [job["status"] for job in state["snapshot_jobs"]] == ["fail"]
    assert state["video"]["status"] == "Checking"
    told = receiver.of("SnapshotComplete")[0].body
    assert told["ErrorCode"] == "InternalError"
    assert told["ErrorMessage"].startswith("The job ended with an unexpected error")
