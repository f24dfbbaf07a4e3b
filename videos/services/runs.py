"""Runs: syncs and reconciliations, long work of one process, which saves it often.

Each save checks that the process still owns the run: another process may have taken it over or
ended it. The worker does so only if a run was not saved for STALE_AFTER: its process was killed.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import QuerySet
from django.utils import timezone

from shortvideo.cloud import CloudError
from videos.models.run import Run

STALE_AFTER: Final = timedelta(minutes=10)


class TakenOver(CloudError):
    """Another process has taken the run over or ended it; str() is safe to show."""


def save_run(run: Run, **ownership: object) -> None:
    """Write a run if its row still meets `ownership`, such as `claim=run.claim`.

    Raises TakenOver if it does not.
    """
    run.saved_at = timezone.now()
    fields = [field.attname for field in run._meta.concrete_fields if not field.primary_key]
    owned = type(run)._default_manager.filter(pk=run.pk, **ownership)
    if not owned.update(**{name: getattr(run, name) for name in fields}):
        raise TakenOver("Another process has taken this run over or ended it.")


def describe_end(error: BaseException) -> str:
    """Return why a run ended before its end, as a sentence."""
    if isinstance(error, KeyboardInterrupt | SystemExit | GeneratorExit):
        return "It was interrupted."
    return f"It was ended by {type(error).__name__}."


def stale_before() -> datetime:
    """Return the moment before which a running run was last saved if its process was killed."""
    return timezone.now() - STALE_AFTER


def delete_uneventful(ended: QuerySet[Any], **counts: int) -> None:
    """Delete the ended runs with these counts, except the latest ended run."""
    latest = ended.order_by("-id").first()
    if latest is not None:
        ended.filter(pk__lt=latest.pk, **counts).delete()
