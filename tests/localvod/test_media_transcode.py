"""Transcoding: sizes, limits, complete files, and the promise of Narrowband HD."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from localvod.demo.clips import clips
from localvod.demo.rendering import render
from localvod.media.ffmpeg import MediaError
from localvod.media.probe import Probe, probe
from localvod.media.transcode import transcode
from localvod.media.vmaf import vmaf
from localvod.templates import NO_TRANSCODE, Template, groups
from tests.localvod.media import make_clip, write_media

GROUPS = groups("standard", "narrowband")
STANDARD = {template.definition: template for template in GROUPS["standard"].templates}
NARROWBAND = {template.definition: template for template in GROUPS["narrowband"].templates}


def encode(source: Path, template: Template, target: Path) -> Probe:
    return transcode(source, template, target, lambda _: None, threading.Event())


def test_a_portrait_source_gets_the_size_of_each_definition(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "source.mp4", size="720x1280", seconds=1)
    low = encode(source, STANDARD["LD"], tmp_path / "ld.mp4")
    high = encode(source, STANDARD["SD"], tmp_path / "sd.mp4")
    assert (low.width, low.height) == (360, 640)
    assert (high.width, high.height) == (476, 848)


def test_a_small_source_is_never_enlarged(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "small.mp4", size="180x320", seconds=1)
    output = encode(source, STANDARD["SD"], tmp_path / "sd.mp4")
    assert (output.width, output.height) == (180, 320)


def test_odd_sizes_become_even(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "odd.mp4", size="181x321", seconds=1, pixels="yuv444p")
    output = encode(source, STANDARD["LD"], tmp_path / "ld.mp4")
    assert (output.width, output.height) == (180, 320)


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ((540, 960), (476, 848)),
        ((960, 540), (848, 476)),
        ((640, 640), (640, 640)),
        ((3, 9), (2, 8)),
    ],
)
def test_a_template_keeps_the_shape_within_its_long_side(
    source: tuple[int, int], wanted: tuple[int, int]
) -> None:
    assert STANDARD["SD"].picture_size(*source) == wanted


def test_an_output_is_compatible_and_streamable(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "source.mp4", seconds=1, pixels="yuv444p")
    output = encode(source, NARROWBAND["LD-NBV1"], tmp_path / "out.mp4")
    content = (tmp_path / "out.mp4").read_bytes()
    assert (output.video_codec, output.audio_codec) == ("h264", "aac")
    assert content.index(b"moov") < content.index(b"mdat")
    assert b"High 4:4:4" not in content


def test_a_source_without_sound_can_be_transcoded(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "mute.mp4", has_sound=False, seconds=1)
    assert encode(source, STANDARD["LD"], tmp_path / "out.mp4").audio_codec is None


def test_noise_stays_within_the_bitrate_of_the_definition(tmp_path: Path) -> None:
    source = tmp_path / "noise.mp4"
    noise = "nullsrc=s=180x320:r=25:d=3,noise=alls=100:allf=t"
    write_media(source, "-f", "lavfi", "-i", noise, "-c:v", "libx264", "-preset", "ultrafast")
    assert probe(source).bitrate > 5_000
    output = encode(source, STANDARD["LD"], tmp_path / "out.mp4")
    assert output.bitrate < 700  # 400, and the buffer's extra in three seconds


def test_progress_rises_to_a_hundred(tmp_path: Path) -> None:
    source, heard = make_clip(tmp_path / "source.mp4", seconds=2), list[int]()
    transcode(source, NARROWBAND["LD-NBV1"], tmp_path / "o.mp4", heard.append, threading.Event())
    assert heard == sorted(heard)
    assert heard[-1] == 100
    assert len(heard) > 1


def test_a_cancelled_job_ends_and_leaves_no_file(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "long.mp4", seconds=60)
    cancelled = threading.Event()
    with pytest.raises(MediaError, match="Cancelled"):
        transcode(
            source, NARROWBAND["SD-NBV1"], tmp_path / "o.mp4", lambda _: cancelled.set(), cancelled
        )
    assert list(tmp_path.iterdir()) == [source]


def test_a_damaged_source_fails_and_leaves_no_file(tmp_path: Path) -> None:
    source = tmp_path / "broken.mp4"
    source.write_bytes(b"nothing")
    with pytest.raises(MediaError, match=r"InvalidVideo\.Damaged"):
        encode(source, STANDARD["LD"], tmp_path / "out.mp4")
    assert list(tmp_path.iterdir()) == [source]


def test_a_truncated_source_fails(tmp_path: Path) -> None:
    whole = make_clip(tmp_path / "whole.mp4", seconds=6)
    first = encode(whole, STANDARD["LD"], tmp_path / "faststart.mp4")
    content = (tmp_path / "faststart.mp4").read_bytes()
    (tmp_path / "half.mp4").write_bytes(content[: first.size // 2])
    with pytest.raises(MediaError, match="breaks off after"):
        encode(tmp_path / "half.mp4", STANDARD["LD"], tmp_path / "out.mp4")


def test_narrowband_is_a_quarter_smaller_at_comparable_quality(tmp_path: Path) -> None:
    clip, source = clips(4)[3], tmp_path / "source.mp4"
    render(clip.scene, clip.sound, source, size=(180, 320), seconds=3, seed=clip.seed)
    standard = encode(source, STANDARD["LD"], tmp_path / "standard.mp4")
    narrowband = encode(source, NARROWBAND["LD-NBV1"], tmp_path / "narrowband.mp4")
    assert narrowband.size < standard.size * 0.75
    assert (narrowband.width, narrowband.height) == (standard.width, standard.height)
    assert vmaf(source, tmp_path / "narrowband.mp4") > vmaf(source, tmp_path / "standard.mp4") - 3


def test_template_groups_have_the_configured_ids() -> None:
    assert set(GROUPS) == {"standard", "narrowband", NO_TRANSCODE}
    assert [template.definition for template in GROUPS["standard"].templates] == ["LD", "SD"]
    assert all(template.narrowband_type == "1.0" for template in NARROWBAND.values())
    assert GROUPS[NO_TRANSCODE].templates == ()


def test_transcode_returns_the_probe_of_its_output(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "source.mp4", seconds=1)
    assert encode(source, STANDARD["LD"], tmp_path / "out.mp4") == probe(tmp_path / "out.mp4")
