"""Reconciliation: the mirror and VOD compared in both directions, and brought together again.

`comparing` walks both sides and finds suspects, `examining` takes the second look that makes them
drift (`checks` says what is), `healing` mends, `claims` sees to it that one runs at a time.
"""

from videos.reconcile.claims import (
    AlreadyRunning,
    begin,
    begin_requested,
    delete_uneventful,
    end_stale,
    request,
)
from videos.reconcile.drift import Kind, Resolution
from videos.reconcile.running import Options, carry_out

__all__ = [
    "AlreadyRunning",
    "Kind",
    "Options",
    "Resolution",
    "begin",
    "begin_requested",
    "carry_out",
    "delete_uneventful",
    "end_stale",
    "request",
]
