"""One source file to one output file of a template."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from localvod.media import ffmpeg
from localvod.media.ffmpeg import MediaError
from localvod.media.probe import Probe, probe
from localvod.templates import Template

LARGEST_FPS = 30
COMPLETE_SHARE = 0.9
"""An output shorter than this share of its source shows that the source breaks off."""


def transcode(
    source: Path,
    template: Template,
    target: Path,
    progress: Callable[[int], None],
    cancelled: threading.Event,
) -> Probe:
    """Write `target` as the template says and describe it.

    `progress` hears percent, 0 to 100, from the calling thread. The target appears whole or not
    at all. Raises MediaError: the source is damaged or breaks off, ffmpeg failed, or `cancelled`
    was set.
    """
    facts = probe(source)
    part = target.with_name(f".{target.name}.part")
    try:
        status, said = ffmpeg.run(
            [*_arguments(source, template, facts), str(part)],
            on_progress=lambda seconds: progress(_percent(seconds, facts.duration)),
            cancelled=cancelled,
        )
        if status != 0:
            raise MediaError("TranscodeFailed", said or f"ffmpeg ended with status {status}.")
        output = _whole(part, facts)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    progress(100)
    return output


def _arguments(source: Path, template: Template, facts: Probe) -> Sequence[str]:
    encoder = template.encoder
    width, height = template.picture_size(facts.width, facts.height)
    filters = [f"scale={width}:{height}:flags=lanczos", "setsar=1", *encoder.filters]
    options = [f"vbv-maxrate={template.bitrate_cap}", f"vbv-bufsize={2 * template.bitrate_cap}"]
    return [
        *("-y", "-i", str(source), "-map", "0:v:0", "-map", "0:a:0?", "-dn", "-sn"),
        *("-map_metadata", "-1", "-vf", ",".join(filters), "-fpsmax", str(LARGEST_FPS)),
        *("-c:v", "libx264", "-preset", encoder.preset, "-crf", str(encoder.crf)),
        *("-profile:v", "high", "-pix_fmt", "yuv420p"),
        *("-x264-params", ":".join([*options, *encoder.options])),
        *("-c:a", "aac", "-b:a", f"{encoder.audio_bitrate}k", "-ac", "2", "-ar", "44100"),
        *("-movflags", "+faststart", "-f", template.format),
    ]


def _whole(part: Path, source: Probe) -> Probe:
    output = probe(part)
    if output.duration < source.duration * COMPLETE_SHARE:
        raise MediaError(
            "InvalidVideo.Damaged",
            f"The source breaks off after {output.duration:.1f} of {source.duration:.1f} seconds.",
        )
    return output


def _percent(seconds: float, duration: float) -> int:
    return min(99, int(100 * seconds / duration)) if duration else 0
