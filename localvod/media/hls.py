"""HLS: a playlist and its segments, cut from a transcoded file."""

from __future__ import annotations

import threading
from pathlib import Path

from localvod.media.ffmpeg import MediaError, run_ffmpeg

SEGMENT_SECONDS = 2


def segment(whole: Path, playlist: Path, cancelled: threading.Event) -> None:
    """Cut `whole` into segments beside the playlist, and delete it.

    The playlist appears once its segments are complete. Raises MediaError.
    """
    part = playlist.with_name(f".{playlist.name}.part")
    names = f"{playlist.stem}-%05d.ts"
    try:
        status, _ = run_ffmpeg(
            [
                *("-y", "-i", str(whole), "-c", "copy", "-f", "hls"),
                *("-hls_time", str(SEGMENT_SECONDS), "-hls_list_size", "0"),
                *("-hls_playlist_type", "vod"),
                *("-hls_segment_filename", str(playlist.with_name(names)), str(part)),
            ],
            cancelled=cancelled,
        )
        if status != 0:
            raise MediaError("TranscodeFailed", "The stream cannot be cut into segments.")
        part.replace(playlist)
    finally:
        part.unlink(missing_ok=True)
        whole.unlink()


def segments_of(playlist: Path) -> list[Path]:
    """The segments of a playlist, in order; none for another file."""
    if playlist.suffix != ".m3u8":
        return []
    return sorted(playlist.parent.glob(f"{playlist.stem}-*.ts"))
