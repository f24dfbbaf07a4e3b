"""How much of a source's picture an output keeps, as VMAF sees it."""

from __future__ import annotations

import re
from pathlib import Path

from localvod.media import ffmpeg
from localvod.media.ffmpeg import MediaError
from localvod.media.probe import probe

_SCORE = re.compile(r"VMAF score: ([\d.]+)")


def vmaf(source: Path, output: Path) -> float:
    """The mean VMAF score (0 to 100) of an output against its source at the output's size.

    The default model; it assumes a larger screen than a phone's, so it is rather strict here.
    Raises MediaError when ffmpeg cannot tell.
    """
    size = probe(output)
    graph = (
        "[0:v]setpts=PTS-STARTPTS[seen];"
        f"[1:v]setpts=PTS-STARTPTS,scale={size.width}:{size.height}:flags=lanczos[wanted];"
        "[seen][wanted]libvmaf=n_threads=2"
    )
    status, said = ffmpeg.run(
        ["-i", str(output), "-i", str(source), "-lavfi", graph, "-f", "null", "-"], level="info"
    )
    score = _SCORE.search(said)
    if status != 0 or score is None:
        raise MediaError("TranscodeFailed", f"VMAF could not be measured: {said[-200:]}")
    return float(score[1])
