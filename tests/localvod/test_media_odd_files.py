"""Files that people really upload: what is probed, pictured and transcoded of each."""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from localvod.media import snapshots
from localvod.media.ffmpeg import MediaError
from localvod.media.probe import probe
from localvod.media.transcode import transcode
from localvod.templates import groups
from tests.localvod.media import write_media

TEMPLATE = groups("standard", "narrowband")["standard"].templates[0]
H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
VP8 = ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8")
LINES = "\n".join(f"line {number}: 64x2, Duration: 00:00:00.00" for number in range(50))


def picture(seconds: float = 2, rate: int = 25, size: str = "128x96") -> tuple[str, ...]:
    return ("-f", "lavfi", "-i", f"testsrc2=s={size}:r={rate}:d={seconds}")


def sound(seconds: float) -> tuple[str, ...]:
    return ("-f", "lavfi", "-i", f"sine=440:d={seconds}")


# name: (arguments of ffmpeg, duration, pictures per second, sound)
FILES: dict[str, tuple[tuple[str, ...], float, float, str | None]] = {
    "50-lines-of-tags.mp4": (
        (*picture(), *H264, "-metadata", f"description={LINES}", "-metadata", f"synopsis={LINES}"),
        2, 25, None,
    ),
    "tags-of-another-encoding.mp4": (
        (*picture(), *H264, "-metadata", "title=\udcff\udcfe\udc80"), 2, 25, None,
    ),
    "no-duration.webm": ((*picture(), *VP8, "-live", "1"), 2, 25, None),
    "mpeg2.ts": ((*picture(), "-c:v", "mpeg2video"), 2, 25, None),
    "interlaced.ts": (
        (*picture(), "-c:v", "mpeg2video", "-vf", "setfield=tff", "-flags", "+ildct+ilme"),
        2, 25, None,
    ),
    "slideshow.mp4": ((*picture(15, rate=1), *H264), 15, 1, None),
    "one-frame.mp4": ((*picture(0.04), *H264), 0.04, 25, None),
    "longer-sound.mp4": ((*picture(1), *sound(6), *H264, "-c:a", "aac"), 6, 25, "aac"),
    "shorter-sound.mp4": ((*picture(2), *sound(0.5), *H264, "-c:a", "aac"), 2, 25, "aac"),
    "late-picture.mkv": (
        ("-itsoffset", "3", *picture(1), *sound(4), *H264, "-c:a", "mp2"), 4, 25, "mp2",
    ),
    "late-start.mkv": ((*picture(), *H264, "-output_ts_offset", "50"), 2, 25, None),
    "variable-rate.mkv": (
        (*picture(), "-vf", "select=lt(n\\,10)+eq(n\\,49)", "-fps_mode", "vfr", *H264),
        2, 5.1, None,
    ),
    "see-through.webm": (
        (*picture(), "-pix_fmt", "yuva420p", *VP8, "-auto-alt-ref", "0"), 2, 25, None,
    ),
    "no-times.h264": ((*picture(), *H264, "-bf", "2"), 2, 25, None),
    "no-times-of-pictures.avi": ((*picture(), *H264, "-bf", "2"), 2, 25, None),
    "pause-of-an-hour.mp4": (
        (
            *(*picture(), "-vf", "setpts=PTS+gte(N\\,25)*3600/TB", "-fps_mode", "vfr"),
            *(*H264, "-bf", "2"),
        ),
        3602, 0.01, None,
    ),
    "two-pictures.mp4": (
        (*picture(), *picture(size="320x240"), "-map", "0", "-map", "1", *H264), 2, 25, None,
    ),
    "cover-before-picture.mp4": (
        (
            *(*picture(0.04, size="320x240"), *picture(), "-map", "0", "-map", "1", *H264),
            *("-c:v:0", "png", "-pix_fmt:v:0", "rgb24", "-disposition:v:0", "attached_pic"),
        ),
        2, 25, None,
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Write the named file once."""
    folder = tmp_path_factory.mktemp("odd files")

    def write(name: str) -> Path:
        path = folder / name
        if not path.exists():
            write_media(path, *FILES[name][0])
        return path

    return write


@pytest.mark.parametrize("name", FILES)
def test_an_odd_file_is_described(file: Callable[[str], Path], name: str) -> None:
    _, duration, fps, audio_codec = FILES[name]
    facts = probe(file(name))
    assert (facts.width, facts.height, facts.audio_codec) == (128, 96, audio_codec)
    assert facts.duration == pytest.approx(duration, abs=0.05)
    assert facts.fps == pytest.approx(fps, abs=0.05)


@pytest.mark.parametrize("name", FILES)
def test_an_odd_file_gives_all_pictures(
    file: Callable[[str], Path], tmp_path: Path, name: str
) -> None:
    taken = [
        snapshots.write_cover(file(name), tmp_path),
        *snapshots.write_snapshots(file(name), tmp_path, 3),
        snapshots.write_sprite(file(name), tmp_path),
    ]
    assert len(taken) == 5
    for path in taken:
        with Image.open(path) as shown:
            shown.load()
            assert shown.size == ((640, 192) if "sprite" in path.name else (128, 96))
    few = {"one-frame.mp4": 1, "pause-of-an-hour.mp4": 1, "variable-rate.mkv": 2}
    different = few.get(name, 3)
    assert len({path.read_bytes() for path in taken[1:-1]}) == different


@pytest.mark.parametrize("name", FILES)
def test_an_odd_file_is_transcoded(file: Callable[[str], Path], tmp_path: Path, name: str) -> None:
    _, duration, _, audio_codec = FILES[name]
    target = tmp_path / "output.mp4"
    output = transcode(file(name), TEMPLATE, target, lambda _: None, threading.Event())
    assert (output.width, output.height) == (128, 96)
    assert output.duration == pytest.approx(duration, abs=0.1)
    assert output.audio_codec == ("aac" if audio_codec else None)
    assert len(output.frame_times) <= len(probe(file(name)).frame_times)


def test_a_moment_shows_the_frame_that_is_shown_then(
    file: Callable[[str], Path], tmp_path: Path
) -> None:
    path = file("slideshow.mp4")
    taken = snapshots.write_snapshots(path, tmp_path, offsets_ms=[3_000, 3_900, 14_990, 14_000])
    third, also_third, after_last, last = (path.read_bytes() for path in taken)
    assert third == also_third != last
    assert after_last == last


def test_a_moment_while_only_sound_plays_shows_the_last_frame(
    file: Callable[[str], Path], tmp_path: Path
) -> None:
    path = file("longer-sound.mp4")
    last, *later = snapshots.write_snapshots(path, tmp_path, offsets_ms=[960, 1_500, 5_900])
    assert {picture.read_bytes() for picture in later} == {last.read_bytes()}


def test_the_last_frame_fills_a_sprite_of_few_frames(
    file: Callable[[str], Path], tmp_path: Path
) -> None:
    with Image.open(snapshots.write_sprite(file("one-frame.mp4"), tmp_path)) as sprite:
        last_tile = sprite.convert("L").crop((512, 96, 640, 192))
        assert max(last_tile.tobytes()) > 100


def test_a_damaged_part_costs_no_picture(tmp_path: Path) -> None:
    path = tmp_path / "damaged.mp4"
    write_media(path, *picture(4), *H264, "-g", "25", "-movflags", "+faststart")
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle:] = bytes(len(content) - middle)
    path.write_bytes(content)
    assert len(snapshots.write_snapshots(path, tmp_path, 8)) == 8
    assert snapshots.write_cover(path, tmp_path).exists()
    assert snapshots.write_sprite(path, tmp_path).exists()


def test_a_wrong_duration_in_the_header_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "wrong.webm"
    write_media(path, *picture(), *VP8)
    content = path.read_bytes()
    start = content.index(b"\x44\x89\x88") + 3  # the element Duration: 8 bytes, milliseconds
    path.write_bytes(content[:start] + struct.pack(">d", 60_000.0) + content[start + 8 :])
    assert probe(path).duration == pytest.approx(2, abs=0.05)
    output = transcode(path, TEMPLATE, tmp_path / "o.mp4", lambda _: None, threading.Event())
    assert output.duration == pytest.approx(2, abs=0.05)


def test_a_recording_that_is_cut_anywhere_is_transcoded(
    file: Callable[[str], Path], tmp_path: Path
) -> None:
    content = file("mpeg2.ts").read_bytes()
    path = tmp_path / "cut.ts"
    path.write_bytes(content[5_000 : len(content) - 5_000])
    output = transcode(path, TEMPLATE, tmp_path / "o.mp4", lambda _: None, threading.Event())
    assert output.duration > 1


def test_a_jump_of_the_times_is_no_end_of_the_file(tmp_path: Path) -> None:
    path, part = tmp_path / "jump.ts", tmp_path / "part.ts"
    for begins_at in ("1000", "40000"):
        write_media(part, *picture(1), "-c:v", "mpeg2video", "-output_ts_offset", begins_at)
        with path.open("ab") as recording:
            recording.write(part.read_bytes()[:-2_000])  # a packet is incomplete, too
    output = transcode(path, TEMPLATE, tmp_path / "o.mp4", lambda _: None, threading.Event())
    assert output.duration == pytest.approx(2, abs=0.2)


def test_a_song_with_a_cover_has_no_video_stream(tmp_path: Path) -> None:
    cover = ("-c:v", "png", "-disposition:v", "attached_pic")
    path = tmp_path / "song.m4a"
    write_media(path, *sound(1), *picture(0.04), "-map", "0", "-map", "1", "-c:a", "aac", *cover)
    with pytest.raises(MediaError, match=r"InvalidVideo\.NoVideoStream"):
        probe(path)


@pytest.mark.parametrize("content", [b"", b"ffmpeg's words\n" * 9])
def test_a_sentence_has_no_word_of_ffmpeg(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "damaged.mp4"
    path.write_bytes(content)
    with pytest.raises(MediaError) as caught:
        probe(path)
    assert caught.value.message == "The file is no video, or it is damaged."
