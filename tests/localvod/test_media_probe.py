"""Probing: properties of a file, and errors of bad files."""

from __future__ import annotations

from pathlib import Path

import pytest

from localvod.media.ffmpeg import MediaError
from localvod.media.probe import probe
from tests.localvod.media import make_clip, write_media


def test_a_clip_is_described(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mp4")
    facts = probe(path)
    assert (facts.width, facts.height, facts.fps) == (180, 320, 25.0)
    assert facts.duration == pytest.approx(2, abs=0.1)
    assert (facts.video_codec, facts.audio_codec) == ("h264", "aac")
    assert facts.size == path.stat().st_size
    assert facts.bitrate == pytest.approx(facts.size * 8 / 1000 / facts.duration, rel=0.05)


def test_a_clip_without_sound_has_no_audio_codec(tmp_path: Path) -> None:
    assert probe(make_clip(tmp_path / "mute.mp4", has_sound=False)).audio_codec is None


def test_a_rotated_recording_has_its_displayed_size(tmp_path: Path) -> None:
    upright = make_clip(tmp_path / "upright.mp4", size="320x180")
    write_media(
        tmp_path / "turned.mp4", "-display_rotation", "90", "-i", str(upright), "-c", "copy"
    )  # fmt: skip
    facts = probe(tmp_path / "turned.mp4")
    assert (facts.width, facts.height) == (180, 320)


def test_the_width_includes_the_pixel_shape(tmp_path: Path) -> None:
    write_media(
        tmp_path / "wide.mp4",
        *("-f", "lavfi", "-i", "testsrc2=s=160x120:d=1", "-vf", "setsar=2", "-c:v", "libx264"),
    )
    assert probe(tmp_path / "wide.mp4").width == 320


@pytest.mark.parametrize("content", [b"", b"not a video at all", bytes(range(256)) * 400])
def test_a_file_without_media_is_damaged(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.mp4"
    path.write_bytes(content)
    with pytest.raises(MediaError) as caught:
        probe(path)
    assert caught.value.code == "InvalidVideo.Damaged"


def test_a_file_without_its_index_is_damaged(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "cut.mp4")
    path.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(MediaError, match=r"InvalidVideo\.Damaged"):
        probe(path)


def test_a_header_followed_by_garbage_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "garbage.mp4"
    write_media(
        path, "-f", "lavfi", "-i", "testsrc2=s=180x320:d=2", "-c:v", "libx264", "-movflags",
        "+faststart",
    )  # fmt: skip
    content = path.read_bytes()
    start = content.index(b"mdat") + 4
    path.write_bytes(content[:start] + bytes(len(content) - start))
    with pytest.raises(MediaError, match=r"InvalidVideo\.Damaged"):
        probe(path)


def test_a_file_with_sound_only_has_no_video_stream(tmp_path: Path) -> None:
    write_media(tmp_path / "song.m4a", "-f", "lavfi", "-i", "sine=440:d=1", "-c:a", "aac")
    with pytest.raises(MediaError, match=r"InvalidVideo\.NoVideoStream"):
        probe(tmp_path / "song.m4a")


def test_a_message_shows_no_local_path(tmp_path: Path) -> None:
    with pytest.raises(MediaError) as caught:
        probe(tmp_path / "missing.mp4")
    assert str(tmp_path) not in caught.value.message
