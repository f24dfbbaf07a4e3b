"""Following the transcoding jobs that VOD works on."""

from datetime import timedelta
from typing import Final

from shortvideo.outbox.periodic import periodic
from videos import sync

POLLED_AT_ONCE: Final = 100


@periodic("videos.transcodes", every=timedelta(seconds=10))
def check_transcodes() -> None:
    for _ in sync.check_transcodes(limit=POLLED_AT_ONCE, is_patient=False):
        pass
