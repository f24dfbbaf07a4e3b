"""From a batch to an outcome for each delivery, whatever the handler does."""

import logging
from collections.abc import Sequence

from django.conf import settings
from django.db import InterfaceError, OperationalError

from shortvideo.cloud import CloudRejected, CloudUnavailable

from .handlers import Again, Handler, Outcome, Refused
from .models import WORKER_LOST, Delivery

logger = logging.getLogger(__name__)

Outcomes = dict[int, Outcome]

_FAULT = Again(
    "It could not be sent because of a fault in this program; the log tells more.", is_fault=True
)


def outcomes_of(handler: Handler, batch: Sequence[Delivery]) -> Outcomes:
    """Deliver a batch; a row whose worker was lost too often is not tried once more.

    Raises OperationalError or InterfaceError when the handler lost the database: the rows stay
    leased, and are taken again when the lease has ended.
    """
    exhausted = [row for row in batch if row.fault_count >= settings.OUTBOX_MAX_ATTEMPTS]
    outcomes: Outcomes = {row.pk: _lost_too_often(row) for row in exhausted}
    sendable = [row for row in batch if row.pk not in outcomes]
    if sendable:
        outcomes |= _divided(handler, sendable)
    return outcomes


def _divided(handler: Handler, batch: Sequence[Delivery]) -> Outcomes:
    """The outcomes of a batch; a refused one is halved until the bad item stands alone."""
    outcomes = _called(handler, batch)
    if outcomes is not None:
        return outcomes
    middle = len(batch) // 2
    outcomes = _divided(handler, batch[:middle])
    throttled = next((o for o in outcomes.values() if isinstance(o, Again) and o.throttled), None)
    if throttled is not None:  # another call now would only be throttled too
        return outcomes | {row.pk: throttled for row in batch[middle:]}
    return outcomes | _divided(handler, batch[middle:])


def _called(handler: Handler, batch: Sequence[Delivery]) -> Outcomes | None:
    """What one call came to; None when a batch of several failed for one of its items."""
    alone = len(batch) == 1
    try:
        answered = handler.deliver(batch)
    except CloudUnavailable as error:
        _log("The cloud is not available", batch, error)
        again = Again(str(error), delay_seconds=error.retry_after, throttled=error.throttled)
        return _for_all(batch, again)
    except CloudRejected as error:
        _log("The cloud refused a batch", batch, error)
        refused = Refused(error.code, str(error), error.request_id)
        return _for_all(batch, refused) if alone else None
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        logger.exception("A handler failed", extra=_fields(batch))
        return _for_all(batch, _FAULT) if alone else None
    return {row.pk: answered.get(row.pk) or _unanswered(row) for row in batch}


def _unanswered(row: Delivery) -> Outcome:
    logger.error("A handler gave no outcome", extra={"kind": row.kind, "delivery": row.pk})
    return _FAULT


def _lost_too_often(row: Delivery) -> Outcome:
    return Refused(
        code=WORKER_LOST,
        message=f"Given up: in {row.fault_count} attempts the worker died or froze at last.",
    )


def _for_all(batch: Sequence[Delivery], outcome: Outcome) -> Outcomes:
    return {row.pk: outcome for row in batch}


def _log(message: str, batch: Sequence[Delivery], error: Exception) -> None:
    logger.warning(message, extra={**_fields(batch), "reason": str(error)})


def _fields(batch: Sequence[Delivery]) -> dict[str, object]:
    return {"kind": batch[0].kind, "delivery": batch[0].pk, "batch_size": len(batch)}
