"""Comparing the mirror with VOD once a day, and when somebody asks for it."""

from datetime import timedelta
from typing import Final

from django.conf import settings

from shortvideo.outbox.periodic import NotNow, periodic
from videos import reconcile
from videos.models import ReconcileRun
from videos.reconcile import AlreadyRunning, Options

# Without callbacks the sync of each minute brings the news; what lasts longer is drift.
GRACE_SECONDS: Final = 150.0
REQUESTED: Final = Options()
# The other may be this very comparison, whose worker was killed: nobody waits a day for it.
LOOK_AGAIN: Final = timedelta(minutes=1)


def compare_daily() -> None:
    """Count the drift, that of some videos' files too, and heal none of it.

    Raises NotNow while another run is under way.
    """
    try:
        run = reconcile.begin(is_heal=False)
    except AlreadyRunning as error:
        raise NotNow(str(error), again_in=LOOK_AGAIN) from error
    _carry_out(run, Options(grace_seconds=GRACE_SECONDS, file_share=settings.RECONCILE_FILE_SHARE))


if settings.RECONCILE_EVERY_HOURS:
    # The first one comes a whole period after a worker first knew of it.
    periodic("videos.reconcile", every=timedelta(hours=settings.RECONCILE_EVERY_HOURS))(
        compare_daily
    )


@periodic("videos.reconcile_requests", every=timedelta(seconds=5))
def reconcile_requested() -> None:
    """What an operator asked for on the desk; what lost its worker is begun anew."""
    reconcile.end_stale()
    run = reconcile.begin_requested()
    if run is not None:
        _carry_out(run, REQUESTED)


def _carry_out(run: ReconcileRun, options: Options) -> None:
    for _ in reconcile.carry_out(run, options):
        pass
    reconcile.delete_uneventful()
