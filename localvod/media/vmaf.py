"""Measures the quality of an output against its source by VMAF."""

from __future__ import annotations

import json
from pathlib import Path

from localvod.media.ffmpeg import MediaError, run_ffmpeg
from localvod.media.probe import probe


def vmaf(source: Path, output: Path) -> float:
    """The mean VMAF score (0 to 100) of an output against its source at the output's size.

    The default model assumes a larger screen than a phone's, so its scores are low for clips.
    Raises MediaError if ffmpeg gives no score.
    """
    size = probe(output)
    graph = (
        "[0:V:0]setpts=PTS-STARTPTS[seen];"
        f"[1:V:0]setpts=PTS-STARTPTS,scale={size.width}:{size.height}:flags=lanczos[wanted];"
        "[seen][wanted]libvmaf=n_threads=2:log_fmt=json:log_path=/dev/stdout"
    )
    status, report = run_ffmpeg(
        ["-i", str(output), "-i", str(source), "-lavfi", graph, "-f", "null", "-"]
    )
    if status != 0:
        raise MediaError("TranscodeFailed", "VMAF could not be measured.")
    return float(json.loads(report)["pooled_metrics"]["vmaf"]["mean"])
