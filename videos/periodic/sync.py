"""Keeping the mirror true where no event told."""

from datetime import timedelta

from shortvideo.outbox.periodic import periodic
from videos import sync
from videos.sync.catalogue import delete_uneventful, last_start


@periodic("videos.sync", every=timedelta(minutes=1))
def sync_changes() -> None:
    """Read what was modified since the last sync; the first one is `manage.py sync_videos`.

    One that somebody else walks right now is left to them.
    """
    if last_start() is None or sync.is_under_way():
        return
    for _ in sync.walk(sync.resume_or_start()):
        pass
    delete_uneventful()


@periodic("videos.sweep", every=timedelta(minutes=1))
def sweep_pending() -> None:
    sync.sweep_pending()
