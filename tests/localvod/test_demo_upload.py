"""Uploads of files and demo clips to a real localvod."""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from localvod import demo, uploader
from localvod.demo import command
from localvod.demo.clips import clips
from localvod.uploader import Uploader, UploadError, User
from tests.localvod.media import make_clip
from tests.support.localvod import ACCESS_KEY_ID, ACCESS_KEY_SECRET, ROOT, LocalVod, wait_until


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("upload") / "clip.mp4", seconds=1)


def client(vod: LocalVod, secret: str = ACCESS_KEY_SECRET) -> Uploader:
    return Uploader(vod.endpoint, ACCESS_KEY_ID, secret)


def run_demo(vod: LocalVod, folder: Path, *flags: str) -> int:
    parser = argparse.ArgumentParser()
    demo.add_arguments(parser)
    given = ["--endpoint", vod.endpoint, "--state", str(folder), *flags]
    return demo.run(parser.parse_args(given))


def run_upload(vod: LocalVod, *flags: str) -> int:
    parser = argparse.ArgumentParser()
    uploader.add_arguments(parser)
    return uploader.run(parser.parse_args(["--endpoint", vod.endpoint, *flags]))


def test_an_upload_arrives_with_its_uploader_tags_and_verdict(vod: LocalVod, clip: Path) -> None:
    sent: list[int] = []
    with client(vod) as app:
        video_id = app.upload(
            clip,
            title="山里的早晨",
            tags=["hills"],
            user=User("42", "小鹿", "http://a.test/1.png"),
            verdict="review",
            template_group="VOD_NO_TRANSCODE",
            progress=sent.append,
        )
        video = app.call("GetVideoInfo", VideoId=video_id)["Video"]
    assert sum(sent) == clip.stat().st_size == video["Size"]
    assert (video["Title"], video["Tags"]) == ("山里的早晨", "hills,verdict:review")
    assert json.loads(video["UserData"])["Extend"] == {
        "userId": "42",
        "userName": "小鹿",
        "avatarUrl": "http://a.test/1.png",
    }


def test_a_proxy_in_the_environment_does_not_divert_an_upload(
    vod: LocalVod, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with client(vod) as app:
        assert app.upload(clip, title="direct", template_group="VOD_NO_TRANSCODE")


def test_a_wrong_secret_is_reported_with_vods_code(vod: LocalVod, clip: Path) -> None:
    with client(vod, "wrong") as app, pytest.raises(UploadError) as caught:
        app.upload(clip, title="never")
    assert caught.value.code == "SignatureDoesNotMatch"


def test_a_refused_upload_is_reported_with_vods_code(vod: LocalVod, clip: Path) -> None:
    with client(vod) as app, pytest.raises(UploadError) as caught:
        app.upload(clip, title="t", template_group="no-such-group")
    assert caught.value.code == "InvalidTemplateGroupId.NotFound"


def test_the_upload_command_prints_the_id_of_each_file(
    vod: LocalVod, clip: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_upload(vod, str(clip), str(clip), "--template-group", "VOD_NO_TRANSCODE") == 0
    ids = capsys.readouterr().out.split()
    assert len(set(ids)) == 2
    assert all(vod.state(video_id) for video_id in ids)


def test_the_upload_command_names_a_missing_file(
    vod: LocalVod, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_upload(vod, "nowhere.mp4") == 1
    assert capsys.readouterr().err == "nowhere.mp4 is not a file.\n"


def test_the_demo_names_a_stopped_localvod(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    silent = LocalVod(tmp_path / "never-started")
    assert run_demo(silent, tmp_path) == 1
    assert "Nothing answers at 127.0.0.1:0" in capsys.readouterr().err


@pytest.fixture
def _clips_are_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo's clips in a size and length that take no time to transcode."""
    monkeypatch.setattr(
        command,
        "clips",
        lambda count: [replace(clip, size=(180, 320), seconds=2) for clip in clips(count)],
    )


@pytest.mark.usefixtures("_clips_are_small")
def test_the_demo_uploads_clips_avatars_and_a_corrupt_file_once(
    vod: LocalVod, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_demo(vod, tmp_path, "--clips", "1") == 0
    assert capsys.readouterr().out == "Demo clips: 2 uploaded, 0 already there, 0 failed.\n"
    vod.idle()
    with client(vod) as app:
        first = app.find("localvod-demo-0001")
        corrupt = app.find("localvod-demo-corrupt")
    assert first is not None
    assert corrupt is not None
    assert first["Status"] == "Checking"
    assert first["TemplateGroupId"] == "standard-template-group"
    assert len(first["Snapshots"]["Snapshot"]) == 8
    assert corrupt["Status"] == "TranscodeFail"
    avatar = json.loads(first["UserData"])["Extend"]["avatarUrl"]
    assert httpx.get(avatar, trust_env=False).headers["content-type"] == "image/png"
    assert not list(tmp_path.iterdir())

    assert run_demo(vod, tmp_path, "--clips", "1") == 0
    assert capsys.readouterr().out == "Demo clips: 0 uploaded, 2 already there, 0 failed.\n"


@pytest.mark.usefixtures("_clips_are_small")
def test_the_demo_finishes_an_interrupted_upload(vod: LocalVod, tmp_path: Path) -> None:
    with client(vod) as app:
        begun = app.call(
            "CreateUploadVideo",
            Title="Last light over the blue hills",
            FileName="clip.mp4",
            ReferenceId="localvod-demo-0001",
            TemplateGroupId="VOD_NO_TRANSCODE",
        )
        assert run_demo(vod, tmp_path, "--clips", "1") == 0
        vod.idle()
        found = app.find("localvod-demo-0001")
    assert found is not None
    assert found["VideoId"] == begun["VideoId"]
    assert found["Duration"] == pytest.approx(2, abs=0.2)


def test_an_interrupted_demo_says_so_and_leaves_no_files(vod: LocalVod, tmp_path: Path) -> None:
    command = ["demo", "--endpoint", vod.endpoint, "--state", str(tmp_path)]
    with subprocess.Popen(
        [sys.executable, "-m", "localvod", *command], cwd=ROOT, stderr=subprocess.PIPE, text=True
    ) as process:
        wait_until(lambda: list(tmp_path.rglob("layer-0.png")))
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=180)
    assert process.returncode == 130
    assert "Run the same command again" in errors
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("count", ["0", "-1", "1001", "many"])
def test_a_bad_number_of_clips_is_refused(
    vod: LocalVod, tmp_path: Path, count: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run_demo(vod, tmp_path, f"--clips={count}")
    assert "a whole number from 1 to 1000" in capsys.readouterr().err
