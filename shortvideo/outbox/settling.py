"""Finishing a delivery under its fencing token, together with the app's own rows."""

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

REPLACED = Superseded("It failed, and a newer one had come meanwhile.")


class ReplacedMeanwhileError(Exception):
    """A newer one was committed while `settle` waited for a lock: what it wrote is rolled back."""


def finish(
    delivery: Delivery, outcome: Outcome, *, handler: Handler, paused_until: datetime | None = None
) -> None:
    """Write what became of a delivery that this worker holds.

    A worker that lost its lease writes nothing. When `settle` fails, nothing of its work is kept
    and the delivery is tried again later.
    """
    try:
        _finish_or_close(delivery, outcome, handler=handler, paused_until=paused_until)
    except LeaseLostError:
        _log_lost(delivery)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        logger.exception("An outcome could not be settled", extra=_fields(delivery))
        _put_back(delivery, handler)


def _finish_or_close(
    delivery: Delivery,
    outcome: Outcome,
    *,
    handler: Handler,
    paused_until: datetime | None = None,
    tell: chains.Tell = chains.tell,
) -> None:
    try:
        _finish(delivery, outcome, handler=handler, paused_until=paused_until, tell=tell)
    except ReplacedMeanwhileError:
        _finish(delivery, REPLACED, handler=handler, paused_until=None, tell=tell)


@transaction.atomic
def _finish(
    delivery: Delivery,
    outcome: Outcome,
    *,
    handler: Handler,
    paused_until: datetime | None,
    tell: chains.Tell,
) -> None:
    row = lock_held(delivery, delivery.lease_token)
    if not isinstance(outcome, Done):
        # Before the look for a newer one: whoever writes that, or takes it back, holds the lock.
        # And before what follows, and the app's rows.
        handler.lock_subject(row.subject)
    outcome = _final(row, outcome)
    if _is_replaced(row, outcome, handler):
        outcome = REPLACED
    _apply(row, outcome, paused_until=paused_until)
    row.lease_until = row.lease_token = None
    row.save()
    tell(handler, row, outcome)
    if _is_replaced(row, outcome, handler):  # by whoever held the lock that `settle` waited for
        raise ReplacedMeanwhileError
    if row.state == DeliveryState.GIVEN_UP:
        chains.give_up_followers(row, now=timezone.now(), tell=tell)
    elif row.state == DeliveryState.DONE:
        chains.let_followers_go(row)
    elif row.state == DeliveryState.SUPERSEDED:
        chains.supersede_followers(row, now=timezone.now())
    logger.info("Delivery finished", extra={**_fields(row), "state": row.state})


def _put_back(delivery: Delivery, handler: Handler) -> None:
    """Without `settle`, which has just failed. What cannot even be put back stays leased."""
    outcome = Again("Its outcome could not be recorded; the log tells more.", is_fault=True)
    try:
        _finish_or_close(delivery, outcome, handler=handler, tell=_tell_of_its_end)
    except LeaseLostError:
        _log_lost(delivery)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        logger.exception("A delivery could not be put back", extra=_fields(delivery))


def _tell_of_its_end(handler: Handler, delivery: Delivery, outcome: Outcome) -> None:
    """Only the end is worth another try; should `settle` fail at that too, the row itself shows it.

    No row of an app speaks of it then, so NOT_RECORDED brings it into the inbox, whatever its kind.
    """
    if delivery.is_open:
        return
    try:
        with transaction.atomic():
            handler.settle(delivery, outcome)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        logger.exception("An end could not be settled", extra=_fields(delivery))
        if delivery.error_code == ATTEMPTS_EXHAUSTED:
            delivery.error_code = NOT_RECORDED
            delivery.save(update_fields=["error_code"])


def _final(row: Delivery, outcome: Outcome) -> Outcome:
    """The outcome itself; giving up after too many faults, never for an outage."""
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
            row.due_at = now + timedelta(seconds=_delay_seconds(row, outcome))
            row.attempts -= outcome.is_untried


def _delay_seconds(row: Delivery, outcome: Again) -> float:
    if outcome.delay_seconds is not None:
        return outcome.delay_seconds
    return backoff.retry_seconds(row.attempts)


def _is_replaced(row: Delivery, outcome: Outcome, handler: Handler) -> bool:
    """Whether it failed, and a newer one that may replace it has come while it was under way."""
    if isinstance(outcome, Done | Superseded):
        return False
    if isinstance(outcome, Again) and not handler.supersede_attempted:
        return False
    same = Delivery.objects.open().filter(kind=row.kind, is_superseding=True, pk__gt=row.pk)
    return same.for_subject(row.subject).exists()


def _log_lost(delivery: Delivery) -> None:
    logger.warning(
        "The lease was lost: another worker may have taken over", extra=_fields(delivery)
    )


def _fields(delivery: Delivery) -> dict[str, object]:
    return {
        "kind": delivery.kind,
        "subject": delivery.subject,
        "delivery": delivery.pk,
        "attempts": delivery.attempts,
    }
