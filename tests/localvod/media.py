"""Small real media files for tests, made by the same ffmpeg that localvod uses."""

from __future__ import annotations

from pathlib import Path

from localvod.media import ffmpeg


def make_clip(
    path: Path,
    *,
    size: str = "180x320",
    seconds: float = 2,
    picture: str = "testsrc2",
    has_sound: bool = True,
    pixels: str = "yuv420p",
) -> Path:
    """A clip of moving test picture and a tone."""
    sound = ("-f", "lavfi", "-i", f"sine=440:d={seconds}") if has_sound else ()
    make(
        path,
        *("-f", "lavfi", "-i", f"{picture}=s={size}:r=25:d={seconds}", *sound),
        *("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", pixels, "-c:a", "aac"),
    )
    return path


def make(path: Path, *arguments: str) -> None:
    """Run ffmpeg to write one file; fails the test when ffmpeg does."""
    status, said = ffmpeg.run(["-y", *arguments, str(path)])
    assert status == 0, said
