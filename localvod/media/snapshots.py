"""Still pictures of a video: cover, first frame, normal snapshots and a sprite, all JPEG."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from localvod.media.ffmpeg import MediaError, run_ffmpeg
from localvod.media.probe import Probe, probe

COVER_SHARE = 0.35
"""Position of the cover: clips often begin and end with a fade."""
COVER_LONG_SIDE = 960
SNAPSHOT_LONG_SIDE = 640
SPRITE_COLUMNS, SPRITE_ROWS = 5, 2
SPRITE_LONG_SIDE = 160
_QUALITY = ("-q:v", "3")


def write_cover(source: Path, target_dir: Path) -> Path:
    """Write `cover.jpg`, one characteristic frame. Raises MediaError."""
    facts = probe(source)
    return _frame(
        source, target_dir / "cover.jpg", facts.duration * COVER_SHARE, _fit(facts, COVER_LONG_SIDE)
    )


def write_first_frame(source: Path, target_dir: Path) -> Path:
    """Write `first-frame.jpg`. Raises MediaError."""
    return _frame(source, target_dir / "first-frame.jpg", 0.0, _fit(probe(source), COVER_LONG_SIDE))


def write_snapshots(
    source: Path,
    target_dir: Path,
    count: int = 8,
    *,
    offsets_ms: Sequence[int] | None = None,
    interval: float | None = None,
    width: int | None = None,
    height: int | None = None,
) -> list[Path]:
    """Write `snapshot-00001.jpg` and so on; returns their paths.

    Taken at `offsets_ms` if given (milliseconds), else every `interval` seconds up to `count`,
    else `count` of them spread evenly (also for interval 0). Moments beyond the end are skipped.
    Raises MediaError if none is left.
    """
    facts = probe(source)
    seconds = [
        moment for moment in _moments(facts, count, offsets_ms, interval) if moment < facts.duration
    ]
    scale = (
        f"scale={width or -2}:{height or -2}"
        if width or height
        else _fit(facts, SNAPSHOT_LONG_SIDE)
    )
    taken = [
        _frame(source, target_dir / f"snapshot-{number:05d}.jpg", moment, scale)
        for number, moment in enumerate(seconds, start=1)
    ]
    if not taken:
        raise MediaError("SnapshotFailed", "All the moments asked for lie beyond the video's end.")
    return taken


def write_sprite(source: Path, target_dir: Path) -> Path:
    """Write `sprite-00001.jpg`, ten small frames spread over the video. Raises MediaError."""
    facts, frames = probe(source), SPRITE_COLUMNS * SPRITE_ROWS
    rate = frames / max(facts.duration, 0.1)
    tile = f"fps={rate:.5f},{_fit(facts, SPRITE_LONG_SIDE)},tile={SPRITE_COLUMNS}x{SPRITE_ROWS}"
    return _write(["-i", str(source), "-vf", tile], target_dir / "sprite-00001.jpg")


def _moments(
    facts: Probe, count: int, offsets_ms: Sequence[int] | None, interval: float | None
) -> list[float]:
    if offsets_ms is not None:
        return [offset / 1000 for offset in offsets_ms]
    if interval:
        return [number * interval for number in range(count)]
    return [facts.duration * (number + 0.5) / count for number in range(count)]


def _frame(source: Path, target: Path, seconds: float, scale: str) -> Path:
    seek = ["-ss", f"{seconds:.3f}"] if seconds else []
    return _write([*seek, "-i", str(source), "-vf", scale], target)


def _fit(facts: Probe, long_side: int) -> str:
    factor = min(1.0, long_side / max(facts.width, facts.height))
    width, height = (max(2, int(side * factor) // 2 * 2) for side in (facts.width, facts.height))
    return f"scale={width}:{height}"


def _write(arguments: Sequence[str], target: Path) -> Path:
    """Write one picture; the target appears only when it is complete."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".snapshot-") as folder:
        part = Path(folder) / target.name
        status, log = run_ffmpeg(
            ["-y", *arguments, "-frames:v", "1", *_QUALITY, "-update", "1", str(part)],
            timeout_seconds=120,
        )
        if status != 0 or not part.exists():
            raise MediaError("SnapshotFailed", log or "There is no frame at that moment.")
        part.replace(target)
    return target
