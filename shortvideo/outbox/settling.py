"""Finish a delivery under its fencing token, in one transaction with the app's own rows."""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from . import backoff, chains
from .handlers import Again, Done, Handler, Outcome, Refused, Superseded
from .leases import LeaseLostError, lock_held
from .models import ATTEMPTS_EXHAUSTED, NOT_RECORDED, Delivery, DeliveryState

logger = logging.getLogger(__name__)

_REPLACED = Superseded("It failed, and a newer call replaces it.")
_UNSETTLED = Again("Its outcome could not be recorded; see the log.", is_fault=True)


class _ReplacedError(Exception):
    """A newer delivery was committed while `settle` waited for a lock: undo `settle`."""


def finish(
    delivery: Delivery, outcome: Outcome, *, handler: Handler, paused_until: datetime | None = None
) -> None:
    """Write the outcome of a delivery that this worker holds.

    Writes nothing if the lease was lost. If `settle` fails, its writes are rolled back and the
    delivery is tried again later.
    """
    if not _try_to_finish(
        delivery, outcome, handler=handler, paused_until=paused_until, settle=chains.settle
    ):
        # If this fails too, the row stays leased.
        _try_to_finish(delivery, _UNSETTLED, handler=handler, paused_until=None, settle=_settle_end)


def _try_to_finish(
    delivery: Delivery,
    outcome: Outcome,
    *,
    handler: Handler,
    paused_until: datetime | None,
    settle: chains.SettleCallback,
) -> bool:
    """Returns False on a fault, which is rolled back; True also for a lost lease.

    Raises OperationalError, InterfaceError.
    """
    try:
        try:
            _finish(delivery, outcome, handler=handler, paused_until=paused_until, settle=settle)
        except _ReplacedError:
            _finish(delivery, _REPLACED, handler=handler, paused_until=None, settle=settle)
    except LeaseLostError:
        logger.warning(
            "The lease was lost: another worker may have taken over", extra=_log_fields(delivery)
        )
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        logger.exception("An outcome could not be settled", extra=_log_fields(delivery))
        return False
    return True


@transaction.atomic
def _finish(
    delivery: Delivery,
    outcome: Outcome,
    *,
    handler: Handler,
    paused_until: datetime | None,
    settle: chains.SettleCallback,
) -> None:
    row = lock_held(delivery, delivery.lease_token)
    if not isinstance(outcome, Done):
        # Lock it before `_is_replaced`: a transaction that writes or cancels a newer delivery
        # holds it. The locks of followers and of the app's rows come later.
        handler.lock_subject(row.subject)
    outcome = _limit_faults(row, outcome)
    if _is_replaced(row, outcome, handler):
        outcome = _REPLACED
    _apply(row, outcome, paused_until=paused_until)
    row.lease_until = row.lease_token = None
    row.save()
    settle(handler, row, outcome)
    if _is_replaced(row, outcome, handler):  # committed while `settle` waited for a lock
        raise _ReplacedError
    if row.state == DeliveryState.GIVEN_UP:
        chains.give_up_followers(row, now=timezone.now(), settle=settle)
    elif row.state == DeliveryState.DONE:
        chains.release_followers(row)
    elif row.state == DeliveryState.SUPERSEDED:
        chains.supersede_followers(row, now=timezone.now())
    logger.info("Delivery finished", extra={**_log_fields(row), "state": row.state})


def _settle_end(handler: Handler, delivery: Delivery, outcome: Outcome) -> None:
    """Call `settle` once more, but only if the delivery has ended.

    If that fails too, no row of an app shows the end. NOT_RECORDED then brings the delivery itself
    into the inbox, whatever its kind.
    """
    if delivery.is_open:
        return
    try:
        with transaction.atomic():
            handler.settle(delivery, outcome)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        logger.exception("An end could not be settled", extra=_log_fields(delivery))
        if delivery.error_code == ATTEMPTS_EXHAUSTED:
            delivery.error_code = NOT_RECORDED
            delivery.save(update_fields=["error_code"])


def _limit_faults(row: Delivery, outcome: Outcome) -> Outcome:
    """Count consecutive faults; returns Refused after too many of them, never for an outage."""
    is_fault = isinstance(outcome, Again) and outcome.is_fault
    row.fault_count = row.fault_count + 1 if is_fault else 0
    if not isinstance(outcome, Again) or row.fault_count < settings.OUTBOX_MAX_ATTEMPTS:
        return outcome
    return Refused(
        code=ATTEMPTS_EXHAUSTED,
        message=f"Given up after {row.attempts} attempts: {outcome.reason}",
    )


def _apply(row: Delivery, outcome: Outcome, *, paused_until: datetime | None) -> None:
    now = timezone.now()
    row.error_code = row.error = row.error_request_id = ""
    match outcome:
        case Done():
            row.state, row.finished_at = DeliveryState.DONE, now
            row.result = dict(outcome.result)
        case Refused():
            row.state, row.finished_at = DeliveryState.GIVEN_UP, now
            row.error_code, row.error = outcome.code[:100], outcome.message
            row.error_request_id = outcome.request_id[:100]
        case Superseded():
            row.state, row.finished_at = DeliveryState.SUPERSEDED, now
            row.error = outcome.reason
        case Again(throttled=True):
            row.state, row.error = DeliveryState.WAITING, outcome.reason
            row.due_at = paused_until or now
            row.attempts -= 1
        case Again():
            row.state, row.error = DeliveryState.WAITING, outcome.reason
            seconds = outcome.delay_seconds
            if seconds is None:
                seconds = backoff.retry_seconds(row.attempts)
            row.due_at = now + timedelta(seconds=seconds)
            row.attempts -= outcome.is_untried


def _is_replaced(row: Delivery, outcome: Outcome, handler: Handler) -> bool:
    """Whether it failed, and a newer delivery that was written meanwhile may replace it."""
    if isinstance(outcome, Done | Superseded):
        return False
    if isinstance(outcome, Again) and not handler.supersede_attempted:
        return False
    newer = Delivery.objects.open().filter(kind=row.kind, is_superseding=True, pk__gt=row.pk)
    return newer.for_subject(row.subject).exists()


def _log_fields(delivery: Delivery) -> dict[str, object]:
    return {
        "kind": delivery.kind,
        "subject": delivery.subject,
        "delivery": delivery.pk,
        "attempts": delivery.attempts,
    }
