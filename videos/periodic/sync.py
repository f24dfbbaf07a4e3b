"""Periodic tasks: read changes that no event reported."""

from datetime import timedelta

from shortvideo.outbox.periodic import periodic
from videos import sync
from videos.sync.catalogue import delete_uneventful, last_start


@periodic("videos.sync", every=timedelta(minutes=1))
def sync_changes() -> None:
    """Read what was modified since the last sync, once a first `manage.py sync_videos` is complete.

    Do nothing while another process walks an incremental run.
    """
    if last_start() is None or sync.is_under_way():
        return
    for _ in sync.walk(sync.resume_or_start()):
        pass
    delete_uneventful()


@periodic("videos.sweep", every=timedelta(minutes=1))
def sweep_pending() -> None:
    sync.sweep_pending()
