"""Measures the quality of an output against its source by VMAF."""

from __future__ import annotations

import re
from pathlib import Path

from localvod.media.ffmpeg import MediaError, run_ffmpeg
from localvod.media.probe import probe

_SCORE = re.compile(r"VMAF score: ([\d.]+)")


def vmaf(source: Path, output: Path) -> float:
    """The mean VMAF score (0 to 100) of an output against its source at the output's size.

    The default model assumes a larger screen than a phone's, so its scores are low for clips.
    Raises MediaError if ffmpeg gives no score.
    """
    size = probe(output)
    graph = (
        "[0:v]setpts=PTS-STARTPTS[seen];"
        f"[1:v]setpts=PTS-STARTPTS,scale={size.width}:{size.height}:flags=lanczos[wanted];"
        "[seen][wanted]libvmaf=n_threads=2"
    )
    status, log = run_ffmpeg(
        ["-i", str(output), "-i", str(source), "-lavfi", graph, "-f", "null", "-"], level="info"
    )
    score = _SCORE.search(log)
    if status != 0 or score is None:
        raise MediaError("TranscodeFailed", f"VMAF could not be measured: {log[-200:]}")
    return float(score[1])
