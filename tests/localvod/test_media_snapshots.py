"""Snapshots: number, size and content of the pictures, and failures."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from localvod.media import snapshots
from localvod.media.ffmpeg import MediaError
from tests.localvod.media import make_clip


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", size="360x640", seconds=4)


def test_cover_and_first_frame_differ_and_keep_the_shape(clip: Path, tmp_path: Path) -> None:
    cover, first = (
        snapshots.write_cover(clip, tmp_path),
        snapshots.write_first_frame(clip, tmp_path),
    )
    assert cover.read_bytes() != first.read_bytes()
    for path in (cover, first):
        with Image.open(path) as picture:
            assert (picture.format, picture.size) == ("JPEG", (360, 640))


def test_eight_snapshots_are_spread_over_the_clip(clip: Path, tmp_path: Path) -> None:
    taken = snapshots.write_snapshots(clip, tmp_path)
    assert [path.name for path in taken] == [f"snapshot-{n:05d}.jpg" for n in range(1, 9)]
    assert len({path.read_bytes() for path in taken}) == 8


def test_moments_beyond_the_end_are_skipped(clip: Path, tmp_path: Path) -> None:
    assert len(snapshots.write_snapshots(clip, tmp_path, offsets_ms=[0, 1_500, 60_000])) == 2


def test_a_width_alone_keeps_the_shape(clip: Path, tmp_path: Path) -> None:
    (path,) = snapshots.write_snapshots(clip, tmp_path, count=1, width=90)
    with Image.open(path) as picture:
        assert picture.size == (90, 160)


def test_no_moment_inside_the_clip_is_an_error(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="beyond the video's end"):
        snapshots.write_snapshots(clip, tmp_path, offsets_ms=[60_000])


def test_a_sprite_holds_ten_small_frames(clip: Path, tmp_path: Path) -> None:
    with Image.open(snapshots.write_sprite(clip, tmp_path)) as picture:
        assert picture.size == (5 * 90, 2 * 160)
        tiles = {picture.crop((n * 90, 0, n * 90 + 90, 160)).tobytes() for n in range(5)}
    assert len(tiles) == 5


def test_a_damaged_file_gives_no_picture_and_no_folder(tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"nothing")
    with pytest.raises(MediaError, match=r"InvalidVideo\.Damaged"):
        snapshots.write_cover(tmp_path / "broken.mp4", tmp_path / "pictures")
    assert not (tmp_path / "pictures").exists()
