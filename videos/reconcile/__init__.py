"""Reconciliation: compare the mirror with VOD in both directions, and heal the drift.

1. `comparing` walks both sides and yields suspects.
2. `examining` reads a suspect again; `checks` decides what is drift.
3. `healing` heals drift.

`running` carries out one run; `claims` allows one run at a time.
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
from videos.reconcile.examining import HEALED_BY_NO_DELIVERY
from videos.reconcile.running import Options, carry_out
