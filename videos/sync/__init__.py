"""Sync: read VOD's videos into the mirror.

`walk` reads the catalogue, `sync_ids` single videos, `check_transcodes` the progress of jobs, and
`sweep_pending` videos that wait too long for machine review.
"""

from videos.services.runs import TakenOver
from videos.sync.catalogue import is_under_way, resume_or_start, walk
from videos.sync.single import Tally, check_transcodes, sweep_pending, sync_ids
