"""Transcodes a source file to an output file of a template."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from localvod.media.ffmpeg import MediaError, run_ffmpeg, upload_input
from localvod.media.probe import PICTURE, Probe, probe
from localvod.templates import Template

_LARGEST_FPS = (
    "select=isnan(prev_selected_t)+gte(t-prev_selected_t\\,1/31)"  # 30: times may be rounded
)
COMPLETE_SHARE = 0.9
"""If an output is shorter than this share of its source, the source breaks off."""


def transcode(
    source: Path,
    template: Template,
    target: Path,
    progress: Callable[[int], None],
    cancelled: threading.Event,
) -> Probe:
    """Write `target` according to the template and return its properties.

    `progress` receives percent, 0 to 100, in the calling thread. The target appears only when it
    is complete. Raises MediaError if the source is damaged or truncated, ffmpeg fails, or
    `cancelled` is set.
    """
    facts = probe(source)
    part = target.with_name(f".{target.name}.part")
    try:
        status, _ = run_ffmpeg(
            [*_arguments(source, template, facts), str(part)],
            on_progress=lambda seconds: progress(_percent(seconds, facts.duration)),
            cancelled=cancelled,
        )
        if status != 0:
            raise MediaError("TranscodeFailed", "The source cannot be transcoded.")
        output = _probe_complete(part, facts)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    progress(100)
    return output


def _arguments(source: Path, template: Template, facts: Probe) -> Sequence[str]:
    encoder = template.encoder
    width, height = template.picture_size(facts.width, facts.height)
    filters = [_LARGEST_FPS, f"scale={width}:{height}:flags=lanczos", "setsar=1", *encoder.filters]
    options = [f"vbv-maxrate={template.bitrate_cap}", f"vbv-bufsize={2 * template.bitrate_cap}"]
    return [
        *("-y", *upload_input(source), *PICTURE, "-map", "0:a:0?", "-dn", "-sn"),
        *("-map_metadata", "-1", "-vf", ",".join(filters)),
        *("-fps_mode", "vfr"),  # no gap is filled with copies of a frame: it may last for hours
        *("-c:v", "libx264", "-preset", encoder.preset, "-crf", str(encoder.crf)),
        *("-profile:v", "high", "-pix_fmt", "yuv420p"),
        *("-x264-params", ":".join([*options, *encoder.options])),
        *("-c:a", "aac", "-b:a", f"{encoder.audio_bitrate}k", "-ac", "2", "-ar", "44100"),
        *("-movflags", "+faststart", "-f", template.format),
    ]


def _probe_complete(part: Path, source: Probe) -> Probe:
    output = probe(part)
    whole = source.stated_duration
    if output.duration < whole * COMPLETE_SHARE:
        raise MediaError(
            "InvalidVideo.Damaged",
            f"The source breaks off after {output.duration:.1f} of {whole:.1f} seconds.",
        )
    return output


def _percent(seconds: float, duration: float) -> int:
    return min(99, int(100 * seconds / duration)) if duration else 0
