"""Sync: what VOD has, pulled into the mirror.

`walk` goes through the catalogue, `sync_ids` reads single videos, `check_transcodes` asks how jobs
are doing, and `sweep_pending` looks after clips that no machine has judged in time.
"""

from videos.services.runs import TakenOver
from videos.sync.catalogue import is_under_way, resume_or_start, walk
from videos.sync.single import Tally, check_transcodes, sweep_pending, sync_ids

__all__ = [
    "TakenOver",
    "Tally",
    "check_transcodes",
    "is_under_way",
    "resume_or_start",
    "sweep_pending",
    "sync_ids",
    "walk",
]
