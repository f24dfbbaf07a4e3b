"""Comparing the mirror with VOD once a day, and when somebody asks for it."""

import logging
from datetime import timedelta
from typing import Final

from django.conf import settings

from shortvideo.outbox.periodic import periodic
from videos import reconcile
from videos.models import ReconcileRun
from videos.reconcile import AlreadyRunning, Options

# Without callbacks the sync of each minute brings the news; what lasts longer is drift.
GRACE_SECONDS: Final = 150.0

logger = logging.getLogger(__name__)


def compare_daily() -> None:
    """Count the drift, and heal none of it; a comparison that is under way is left to itself."""
    try:
        run = reconcile.begin(is_heal=False)
    except AlreadyRunning as error:
        logger.info("No comparison was begun", extra={"reason": str(error)})
        return
    carry_out(run, Options(grace_seconds=GRACE_SECONDS))


if settings.RECONCILE_EVERY_HOURS:
    # The first one comes a whole period after a worker first knew of it.
    periodic("videos.reconcile", every=timedelta(hours=settings.RECONCILE_EVERY_HOURS))(
        compare_daily
    )


@periodic("videos.reconcile_requests", every=timedelta(seconds=5))
def reconcile_requested() -> None:
    """What an operator asked for on the desk."""
    run = reconcile.begin_requested()
    if run is not None:
        carry_out(run, Options())


def carry_out(run: ReconcileRun, options: Options) -> None:
    for _ in reconcile.carry_out(run, options):
        pass
    reconcile.forget_uneventful()
