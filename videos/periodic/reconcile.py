"""Periodic tasks: compare the mirror with VOD once a day, and on request."""

from datetime import timedelta
from typing import Final

from django.conf import settings

from shortvideo.outbox.periodic import NotNow, periodic
from videos import reconcile
from videos.models import ReconcileRun
from videos.reconcile import AlreadyRunning, Options

# Without callbacks the sync of each minute brings changes; a difference that lasts is drift.
GRACE_SECONDS: Final = 150.0
REQUESTED: Final = Options()
# The other run may be the daily one of a killed worker: do not wait a day to start again.
RETRY_AFTER: Final = timedelta(minutes=1)


def compare_daily() -> None:
    """Count the drift, also that of a share of the files, and heal nothing.

    Raises NotNow while another run is running.
    """
    try:
        run = reconcile.begin(is_heal=False)
    except AlreadyRunning as error:
        raise NotNow(str(error), again_in=RETRY_AFTER) from error
    options = Options(
        is_every_detail=False,
        file_share=settings.RECONCILE_FILE_SHARE,
        grace_seconds=GRACE_SECONDS,
    )
    _carry_out(run, options)


if settings.RECONCILE_EVERY_HOURS:
    # The first comparison comes a whole period after the first start of a worker.
    periodic("videos.reconcile", every=timedelta(hours=settings.RECONCILE_EVERY_HOURS))(
        compare_daily
    )


@periodic("videos.reconcile_requests", every=timedelta(seconds=5))
def reconcile_requested() -> None:
    """Carry out the run that an operator requested, again if its worker was killed."""
    reconcile.end_stale()
    run = reconcile.begin_requested()
    if run is not None:
        _carry_out(run, REQUESTED)


def _carry_out(run: ReconcileRun, options: Options) -> None:
    for _ in reconcile.carry_out(run, options):
        pass
    reconcile.delete_uneventful()
