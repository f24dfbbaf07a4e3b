"""Reconciliation: the mirror and VOD compared in both directions, and brought together again.

`comparing` walks both sides and finds suspects, `examining` takes the second look that makes them
drift (`checks` says what is), `healing` mends, `claims` sees to it that one runs at a time.
"""

from videos.reconcile.claims import (
    AlreadyRunning,
    begin,
    begin_requested,
    end_stale,
    forget_uneventful,
    request,
)
from videos.reconcile.drift import Kind, Outcome
from videos.reconcile.running import Options, carry_out

__all__ = [
    "AlreadyRunning",
    "Kind",
    "Options",
    "Outcome",
    "begin",
    "begin_requested",
    "carry_out",
    "end_stale",
    "forget_uneventful",
    "request",
]
