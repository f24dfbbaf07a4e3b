"""Reads a media file's properties from ffmpeg's log (ffprobe is not in the package)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from localvod.media.ffmpeg import MediaError, run_ffmpeg

_DURATION = re.compile(r"Duration: (\d+):(\d+):(\d+(?:\.\d+)?)")
_BITRATE = re.compile(r"Duration: .*bitrate: (\d+) kb/s")
_INPUT_VIDEO = re.compile(r"^ *Stream #0:\d+.*?: Video: (?!.*\(attached pic\))(.+)$", re.MULTILINE)
_INPUT_AUDIO = re.compile(r"^ *Stream #0:\d+.*?: Audio: (\w+)", re.MULTILINE)
_SIZE = re.compile(r"\b(\d{1,5})x(\d{1,5})\b(?: \[SAR (\d+):(\d+))?")
_FPS = re.compile(r"([\d.]+)(k?) fps")
_ROTATION = re.compile(r"rotation of (-?[\d.]+) degrees")


@dataclass(frozen=True)
class Probe:
    """A file's properties; width and height as displayed (rotation and pixel shape applied)."""

    duration: float
    width: int
    height: int
    fps: float
    bitrate: int
    """kbit/s, over all streams."""
    size: int
    """Bytes."""
    video_codec: str
    audio_codec: str | None


def probe(path: Path) -> Probe:
    """Describe a file after decoding its first frame.

    Raises MediaError: `InvalidVideo.Damaged` when it cannot be read or decoded,
    `InvalidVideo.NoVideoStream` when it has no video stream.
    """
    decode = ["-i", str(path), "-map", "0:v:0?", "-map", "0:a:0?", "-t", "0.1", "-f", "null", "-"]
    status, log = run_ffmpeg(decode, level="info", timeout_seconds=60)
    described = log.partition("Output #0")[0]
    video = _INPUT_VIDEO.search(described)
    if video is None and _INPUT_AUDIO.search(described):
        raise MediaError("InvalidVideo.NoVideoStream", "The file contains no video stream.")
    if video is None or status != 0 or not re.search(r"frame= *[1-9]", log):
        raise MediaError("InvalidVideo.Damaged", f"The file cannot be decoded: {_last_line(log)}")
    return _parse_log(described, video.group(1), path.stat().st_size)


def _parse_log(log: str, video: str, size: int) -> Probe:
    measured, duration = _SIZE.search(video), _DURATION.search(log)
    if measured is None or duration is None:
        raise MediaError("InvalidVideo.Damaged", "The file states no picture size or duration.")
    width, height = int(measured[1]), int(measured[2])
    if measured[3] and int(measured[4]):
        width = round(width * int(measured[3]) / int(measured[4]))
    rotation = _ROTATION.search(log)
    if rotation and round(abs(float(rotation[1]))) % 180 == 90:
        width, height = height, width
    hours, minutes, seconds = duration.groups()
    total = int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    fps, bitrate, audio = _FPS.search(video), _BITRATE.search(log), _INPUT_AUDIO.search(log)
    return Probe(
        duration=round(total, 3),
        width=width,
        height=height,
        fps=float(fps[1]) * (1000 if fps[2] else 1) if fps else 0.0,
        bitrate=int(bitrate[1]) if bitrate else round(size * 8 / 1000 / max(total, 0.001)),
        size=size,
        video_codec=video.split(maxsplit=1)[0].rstrip(","),
        audio_codec=audio[1] if audio else None,
    )


def _last_line(log: str) -> str:
    """The last line of ffmpeg's log, with file paths replaced."""
    lines = [line for line in log.splitlines() if line.strip()]
    return (
        re.sub(r"(?:file:)?(?:/[^\s:']+)+", "the file", lines[-1]).strip() if lines else "no reason"
    )
