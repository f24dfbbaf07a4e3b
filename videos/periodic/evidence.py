"""Periodic task: remove expired evidence."""

from datetime import timedelta
from typing import Final

from shortvideo.outbox.periodic import periodic
from videos.services import evidence

READ_AT_ONCE: Final = 200


@periodic("videos.evidence", every=timedelta(hours=1))
def remove_expired_evidence() -> None:
    evidence.remove_expired(at_once=READ_AT_ONCE)
