"""Still pictures of a video: cover, first frame, normal snapshots and a sprite, all JPEG.

A picture of a moment is the frame that a player shows then. After the last frame it is that frame.
Each function takes the source's `facts`, or probes it.
"""

from __future__ import annotations

import math
import tempfile
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path

from localvod.media.ffmpeg import MediaError, run_ffmpeg, upload_input
from localvod.media.probe import PICTURE, Probe, probe

COVER_SHARE = 0.35
"""Position of the cover: clips often begin and end with a fade."""
COVER_LONG_SIDE = 960
SNAPSHOT_LONG_SIDE = 640
SPRITE_COLUMNS, SPRITE_ROWS = 5, 2
SPRITE_LONG_SIDE = 160
_QUALITY = ("-q:v", "3")


def write_cover(source: Path, target_dir: Path, facts: Probe | None = None) -> Path:
    """Write `cover.jpg`, one characteristic frame. Raises MediaError."""
    facts = facts or probe(source)
    moment = _moment_at(facts, COVER_SHARE)
    return _frame(source, facts, target_dir / "cover.jpg", moment, _fit(facts, COVER_LONG_SIDE))


def write_first_frame(source: Path, target_dir: Path, facts: Probe | None = None) -> Path:
    """Write `first-frame.jpg`. Raises MediaError."""
    facts, target = facts or probe(source), target_dir / "first-frame.jpg"
    return _frame(source, facts, target, 0.0, _fit(facts, COVER_LONG_SIDE))


def write_snapshots(
    source: Path,
    target_dir: Path,
    count: int = 8,
    facts: Probe | None = None,
    *,
    offsets_ms: Sequence[int] | None = None,
    width: int | None = None,
    height: int | None = None,
) -> list[Path]:
    """Write `snapshot-00001.jpg` and so on; returns their paths.

    Taken at `offsets_ms` if given (milliseconds), else `count` of them spread evenly over the
    pictures. Moments beyond the end of picture and sound are skipped. Raises MediaError if none is
    left.
    """
    facts = facts or probe(source)
    seconds = [
        moment
        for moment in _moments(facts, count, offsets_ms)
        if moment < facts.duration or moment <= facts.frame_times[-1]
    ]
    scale = (
        f"scale={width or -2}:{height or -2}"
        if width or height
        else _fit(facts, SNAPSHOT_LONG_SIDE)
    )
    taken = [
        _frame(source, facts, target_dir / f"snapshot-{number:05d}.jpg", moment, scale)
        for number, moment in enumerate(seconds, start=1)
    ]
    if not taken:
        raise MediaError("SnapshotFailed", "All the moments asked for lie beyond the video's end.")
    return taken


def write_sprite(source: Path, target_dir: Path, facts: Probe | None = None) -> Path:
    """Write `sprite-00001.jpg`, ten small frames spread over the pictures. Raises MediaError."""
    facts, frames = facts or probe(source), SPRITE_COLUMNS * SPRITE_ROWS
    first, last = facts.frame_times[0], facts.frame_times[-1]
    filters = (
        f"fps={frames}000/{max(100, round((last - first) * 1000))}",
        _fit(facts, SPRITE_LONG_SIDE),
        f"tpad=stop_mode=clone:stop={frames}",  # the last frame fills the places that are left
        f"tile={SPRITE_COLUMNS}x{SPRITE_ROWS}",
    )
    target = target_dir / "sprite-00001.jpg"
    return _write(source, target, [], ["-vf", ",".join(filters), "-frames:v", "1"])


def _moments(facts: Probe, count: int, offsets_ms: Sequence[int] | None) -> list[float]:
    if offsets_ms is not None:
        return [offset / 1000 for offset in offsets_ms]
    return [_moment_at(facts, (number + 0.5) / count) for number in range(count)]


def _moment_at(facts: Probe, share: float) -> float:
    """The moment at a share of the pictures; sound may begin earlier and last longer."""
    first, last = facts.frame_times[0], facts.frame_times[-1]
    return first + (last - first) * share


def _frame(source: Path, facts: Probe, target: Path, moment: float, scale: str) -> Path:
    """Write the frame that is shown at a moment, or the nearest one that can be decoded."""
    shown = facts.frame_times[max(0, bisect_right(facts.frame_times, moment) - 1)]
    seconds = math.floor(shown * 1000) / 1000  # ffmpeg takes the first frame that is not earlier
    try:
        return _write(source, target, ["-ss", f"{seconds:.3f}"], ["-vf", scale, "-frames:v", "1"])
    except MediaError as error:
        if error.code != "SnapshotFailed":
            raise
    # Nothing can be decoded there: decode from the start, and keep the last frame until then.
    until = f"select=eq(n\\,0)+lte(t\\,{shown + 0.001:.3f}),{scale}"
    return _write(source, target, [], ["-vf", until, "-fps_mode", "passthrough"])


def _fit(facts: Probe, long_side: int) -> str:
    factor = min(1.0, long_side / max(facts.width, facts.height))
    width, height = (max(2, int(side * factor) // 2 * 2) for side in (facts.width, facts.height))
    return f"scale={width}:{height}"


def _write(source: Path, target: Path, seek: Sequence[str], output: Sequence[str]) -> Path:
    """Write one picture, the last that ffmpeg gives; the target appears only when complete."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".snapshot-") as folder:
        part = Path(folder) / target.name
        # Without -max_error_rate, a damaged part makes ffmpeg fail though it wrote the picture.
        arguments = [*seek, *upload_input(source), *PICTURE, *output, "-max_error_rate", "1"]
        status, _ = run_ffmpeg(
            ["-y", *arguments, *_QUALITY, "-update", "1", str(part)], timeout_seconds=120
        )
        if status != 0 or not part.exists():
            raise MediaError("SnapshotFailed", "No picture can be taken of the video.")
        part.replace(target)
    return target
