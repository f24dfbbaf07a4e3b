"""Small real media files for tests, made by the same ffmpeg that localvod uses."""

from __future__ import annotations

from pathlib import Path

from localvod.media.ffmpeg import run_ffmpeg


def make_clip(
    path: Path,
    *,
    size: str = "180x320",
    seconds: float = 2,
    picture: str = "testsrc2",
    has_sound: bool = True,
    pixels: str = "yuv420p",
) -> Path:
    """Write a clip with a moving test picture and a tone."""
    sound = ("-f", "lavfi", "-i", f"sine=440:d={seconds}") if has_sound else ()
    write_media(
        path,
        *("-f", "lavfi", "-i", f"{picture}=s={size}:r=25:d={seconds}", *sound),
        *("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", pixels, "-c:a", "aac"),
    )
    return path


def write_media(path: Path, *arguments: str) -> None:
    """Write one file by ffmpeg; fails the test if ffmpeg fails."""
    status, _ = run_ffmpeg(["-y", *arguments, str(path)])
    assert status == 0
