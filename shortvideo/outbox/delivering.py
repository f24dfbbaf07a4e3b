"""Send a batch through its handler; returns an outcome for each delivery, whatever happens."""

import logging
from collections.abc import Sequence

from django.conf import settings
from django.db import InterfaceError, OperationalError

from shortvideo.cloud import CloudRejected, CloudUnavailable

from .handlers import Again, Handler, Outcome, Refused
from .models import WORKER_LOST, Delivery

logger = logging.getLogger(__name__)

Outcomes = dict[int, Outcome]

_FAULT = Again("It failed because of a fault in this program; see the log.", is_fault=True)


def deliver_batch(handler: Handler, batch: Sequence[Delivery]) -> Outcomes:
    """Deliver a batch; a row whose worker was lost too often is refused without a call.

    Raises OperationalError or InterfaceError if the handler loses the database: the rows stay
    leased, and a worker claims them again after the lease.
    """
    exhausted = [row for row in batch if row.fault_count >= settings.OUTBOX_MAX_ATTEMPTS]
    outcomes: Outcomes = {row.pk: _worker_lost(row) for row in exhausted}
    sendable = [row for row in batch if row.pk not in outcomes]
    if sendable:
        outcomes |= _bisect(handler, sendable)
    return outcomes


def _bisect(handler: Handler, batch: Sequence[Delivery]) -> Outcomes:
    """Deliver the batch; halve a refused batch until the bad item stands alone."""
    outcomes = _call_handler(handler, batch)
    if outcomes is not None:
        return outcomes
    middle = len(batch) // 2
    outcomes = _bisect(handler, batch[:middle])
    throttled = next((o for o in outcomes.values() if isinstance(o, Again) and o.throttled), None)
    if throttled is not None:  # the second half would only be throttled too
        return outcomes | dict.fromkeys([row.pk for row in batch[middle:]], throttled)
    return outcomes | _bisect(handler, batch[middle:])


def _call_handler(handler: Handler, batch: Sequence[Delivery]) -> Outcomes | None:
    """The outcomes of one call; None if a batch of several failed and must be halved."""
    alone = len(batch) == 1
    try:
        answered = handler.deliver(batch)
    except CloudUnavailable as error:
        _log("The cloud is not available", batch, error)
        again = Again(str(error), delay_seconds=error.retry_after, throttled=error.throttled)
        return {row.pk: again for row in batch}
    except CloudRejected as error:
        _log("The cloud refused a batch", batch, error)
        refused = Refused(error.code, str(error), error.request_id)
        return {batch[0].pk: refused} if alone else None
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        logger.exception("A handler failed", extra=_log_fields(batch))
        return {batch[0].pk: _FAULT} if alone else None
    return {row.pk: answered.get(row.pk) or _missing_outcome(row) for row in batch}


def _missing_outcome(row: Delivery) -> Outcome:
    logger.error("A handler gave no outcome", extra={"kind": row.kind, "delivery": row.pk})
    return _FAULT


def _worker_lost(row: Delivery) -> Outcome:
    return Refused(
        code=WORKER_LOST,
        message=f"Given up after {row.fault_count} faults: in the last, the worker died or froze.",
    )


def _log(message: str, batch: Sequence[Delivery], error: Exception) -> None:
    logger.warning(message, extra={**_log_fields(batch), "reason": str(error)})


def _log_fields(batch: Sequence[Delivery]) -> dict[str, object]:
    return {"kind": batch[0].kind, "delivery": batch[0].pk, "batch_size": len(batch)}
