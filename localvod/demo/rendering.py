"""Renders a scene and a sound to an MP4 file."""

from __future__ import annotations

import tempfile
from pathlib import Path
from random import Random

from localvod.demo.painting import Size
from localvod.demo.scenes import FPS, Scene, Stage
from localvod.media.ffmpeg import MediaError, run_ffmpeg


def render(scene: Scene, sound: str, target: Path, *, size: Size, seconds: int, seed: int) -> None:
    """Write an MP4 (H.264, AAC). Raises MediaError if ffmpeg fails."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".stage-") as folder:
        stage = Stage(Path(folder), size, seconds, Random(seed))
        graph = scene(stage)
        pictures = [part for path in stage.pictures for part in ("-i", str(path))]
        fades = f"afade=d=0.4,afade=t=out:st={seconds - 0.8}:d=0.8"
        part = Path(folder) / target.name
        status, _ = run_ffmpeg(
            [
                *("-y", *pictures, "-f", "lavfi", "-i", f"{sound},{fades}"),
                *("-filter_complex", graph, "-map", "[v]", "-map", f"{len(stage.pictures)}:a"),
                *("-t", str(seconds), "-r", str(FPS), "-c:v", "libx264", "-preset", "superfast"),
                *("-crf", "19", "-pix_fmt", "yuv420p", "-g", "50", "-c:a", "aac", "-b:a", "128k"),
                *("-movflags", "+faststart", str(part)),
            ]
        )
        if status != 0:
            raise MediaError("TranscodeFailed", "The clip cannot be rendered.")
        part.replace(target)


def write_corrupt(target: Path, seed: int) -> None:
    """Write a file with the header of an MP4 and no playable content."""
    header = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"
    target.write_bytes(header + Random(seed).randbytes(180_000))
