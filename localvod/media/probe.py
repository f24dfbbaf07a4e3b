"""Reads a media file's properties from its packets and one decoded frame (ffprobe is not shipped).

ffmpeg's `framecrc` format lists both. A `#` line of its head has one named field; each other line
is one packet: stream, dts, pts, duration, size, checksum, and flags unless it is a mere key.

    #tb 0: 1/12800
    #codec_id 0: h264
    0,      0,   1024,    512,   7713, 0xbd057808, F=0x2
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from localvod.media.ffmpeg import MediaError, run_ffmpeg, upload_input

PICTURE = ("-map", "0:V:0")
"""The first stream of pictures; a cover attached to the file is none."""
_TIMEOUT_SECONDS = 60
_KEY, _CORRUPT, _DISCARD = 1, 2, 4  # flags of a packet; one without flags is a key
_NO_TIME = -(2**63)
_STATED_DURATION = "lavf.concatdec.duration="
_STATING_FORMATS = ("asf", "avi", "flv", "matroska", "mov", "mxf")
"""Their heads state a duration. Of others ffmpeg gives a guess, wrong where timestamps jump."""


@dataclass(frozen=True)
class Probe:
    """A file's properties; width and height as displayed (rotation and pixel shape applied)."""

    duration: float
    """Seconds until the last packet ends, of picture or sound."""
    stated_duration: float
    """Seconds; above `duration` where packets are incomplete and the container states more."""
    frame_times: Sequence[float]
    """When each picture is shown, in order; seconds, as of ffmpeg's `-ss`."""
    width: int
    height: int
    fps: float
    """Pictures per second, on average."""
    bitrate: int
    """kbit/s, over all streams."""
    size: int
    """Bytes."""
    video_codec: str
    audio_codec: str | None


@dataclass
class _Stream:
    """One stream of a listing: the named fields of its head, and the times of its packets."""

    fields: dict[str, str] = field(default_factory=dict)
    times: list[float] = field(default_factory=list)
    durations: list[float] = field(default_factory=list)
    has_key: bool = False
    is_corrupt: bool = False

    @property
    def end(self) -> float:
        """When the last packet ends.

        Where pictures are stored in another order than they are shown, a packet's duration may be
        that of another: a pause of an hour would count twice. So the packets' sum is the limit.
        """
        ends = max(map(sum, zip(self.times, self.durations, strict=True)))
        total = min(self.times) + sum(self.durations)
        return min(ends, max(total, max(self.times) + min(self.durations)))


def probe(path: Path) -> Probe:
    """Describe a file after reading its packets and decoding its first frame.

    Raises MediaError: `InvalidVideo.Damaged` when it cannot be read or decoded,
    `InvalidVideo.NoVideoStream` when it has no video stream.
    """
    streams = _list(path, "-map", "0:V:0?", "-map", "0:a:0?", "-c", "copy", "-copyinkf")
    kinds = {stream.fields["media_type"]: stream for stream in streams}
    picture, sound = kinds.get("video"), kinds.get("audio")
    if picture is None and sound is not None:
        raise MediaError("InvalidVideo.NoVideoStream", "The file contains no video stream.")
    frames = _list(path, *PICTURE, "-frames:v", "1") if picture is not None else []
    if picture is None or not picture.times or not frames or not frames[0].times:
        raise MediaError("InvalidVideo.Damaged", "The file is no video, or it is damaged.")
    duration, size = _duration(picture, sound), path.stat().st_size
    width, height = _displayed_size(frames[0])
    is_corrupt = any(stream.is_corrupt for stream in streams)
    return Probe(
        duration=duration,
        stated_duration=max(duration, _stated_duration(path)) if is_corrupt else duration,
        frame_times=tuple(sorted(picture.times)),
        width=width,
        height=height,
        fps=_average_rate(picture),
        bitrate=round(size * 8 / 1000 / max(duration, 0.001)),
        size=size,
        video_codec=picture.fields["codec_id"],
        audio_codec=sound.fields["codec_id"] if sound else None,
    )


def _list(path: Path, *arguments: str) -> list[_Stream]:
    """The streams of a file, and what ffmpeg could read of each."""
    _, output = run_ffmpeg(
        [*upload_input(path), *arguments, "-f", "framecrc", "-"],
        timeout_seconds=_TIMEOUT_SECONDS,
    )
    streams: defaultdict[int, _Stream] = defaultdict(_Stream)
    for line in output.splitlines():
        if line.startswith("#"):
            name, _, value = line[1:].partition(": ")
            name, _, number = name.partition(" ")
            if number:
                streams[int(number)].fields[name] = value
        else:
            number, *values = line.split(",")
            _add_packet(streams[int(number)], values)
    return list(streams.values())


def _add_packet(stream: _Stream, values: Sequence[str]) -> None:
    dts, pts, duration = map(int, values[:3])
    flags = [value.strip()[2:] for value in values[5:] if value.startswith(" F=")]
    flag = int(flags[0], 16) if flags else _KEY
    stream.is_corrupt |= bool(flag & _CORRUPT)
    if flag & _KEY and not stream.has_key:  # nothing before it can be decoded: a cut recording
        stream.has_key, stream.times, stream.durations = True, [], []
    start = dts if pts == _NO_TIME else pts
    if start == _NO_TIME or flag & _DISCARD:
        return
    numerator, denominator = map(int, stream.fields["tb"].split("/"))
    stream.times.append(start * numerator / denominator)
    stream.durations.append(duration * numerator / denominator)


def _duration(picture: _Stream, sound: _Stream | None) -> float:
    starts, ends = [min(picture.times)], [picture.end]
    if sound is not None and sound.times:
        starts.append(max(0.0, min(sound.times)))  # an encoder's delay is not heard
        ends.append(sound.end)
    return round(max(ends) - min(starts), 3)


def _average_rate(picture: _Stream) -> float:
    first, last = min(picture.times), max(picture.times)
    if last > first:
        return round((len(picture.times) - 1) / (last - first), 2)
    seconds = picture.end - first
    return round(1 / seconds, 2) if seconds else 0.0


def _displayed_size(frame: _Stream) -> tuple[int, int]:
    """Width and height of a decoded frame, which ffmpeg has turned already."""
    width, height = map(int, frame.fields["dimensions"].split("x"))
    across, down = map(int, frame.fields["sar"].split("/"))
    return (max(1, round(width * across / down)) if across and down else width), height


def _stated_duration(path: Path) -> float:
    """The seconds that the head of the file states; 0 if none.

    ffmpeg's `concat` format names them beside each frame of a list of files.
    """
    name = str(path.resolve()).replace("'", "'\\''")
    with tempfile.NamedTemporaryFile("w", suffix=".ffconcat") as listing:
        listing.write(f"file '{name}'\n")
        listing.flush()
        _, output = run_ffmpeg(
            [
                *("-f", "concat", "-safe", "0", "-segment_time_metadata", "1"),
                *upload_input(Path(listing.name), ("concat", *_STATING_FORMATS)),
                *("-frames:v", "1", "-an", "-vf", "metadata=print:file=-", "-f", "null", "-"),
            ],
            timeout_seconds=_TIMEOUT_SECONDS,
        )
    stated = [line for line in output.splitlines() if line.startswith(_STATED_DURATION)]
    return int(stated[0].removeprefix(_STATED_DURATION)) / 1_000_000 if stated else 0.0
