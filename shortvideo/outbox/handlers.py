"""Handlers send the deliveries of a kind; outcomes say what became of each.

An app subclasses `Handler` once per kind in its `deliveries.py` and registers it from
`AppConfig.ready`:

    class CreateAuditHandler(Handler):
        kind = "create_audit"
        batch_size = 100

        def deliver(self, batch): ...
        def settle(self, delivery, outcome): ...

    register(CreateAuditHandler())
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from .models import Delivery


@dataclass(frozen=True, slots=True)
class Done:
    """The cloud accepted it. `result` (JSON) is stored on the row."""

    result: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Again:
    """It failed, and another attempt can help.

    Attributes:
        reason: one sentence, safe to show; without secrets or URLs.
        delay_seconds: wait before the next attempt; None means the exponential backoff.
        throttled: the cloud asked us to slow down. The whole kind pauses; no attempt is counted.
        is_fault: this program failed, or the cloud's answer about this subject is unusable. Only
            faults count towards OUTBOX_MAX_ATTEMPTS: an outage, however long, undoes no decision.
        is_untried: nothing was sent, because the receiver is down or busy; no attempt is counted.
    """

    reason: str
    delay_seconds: float | None = None
    throttled: bool = False
    is_fault: bool = False
    is_untried: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """Another attempt cannot help: the delivery is given up and shown to operators.

    `message` is one sentence, safe to show; `code` and `request_id` come from the cloud.
    """

    code: str
    message: str
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Superseded:
    """It is not needed any more: it was cancelled, or something newer replaces it.

    `reason` is one sentence, safe to show.
    """

    reason: str = ""


Outcome = Done | Again | Refused | Superseded


class Handler:
    """Sends the deliveries of one kind.

    Attributes:
        kind: the `Delivery.kind` that it sends.
        batch_size: the largest batch that the cloud takes in one call.
        supersede_attempted: whether a newer delivery may replace one that failed. True only where
            the last call wins, because the failed one may have reached the cloud.
    """

    kind: ClassVar[str]
    batch_size: ClassVar[int] = 1
    supersede_attempted: ClassVar[bool] = False

    def deliver(self, batch: Sequence[Delivery]) -> Mapping[int, Outcome]:
        """Call the cloud for 1 to `batch_size` deliveries, each of a different subject.

        Runs outside any transaction, for as long as it takes: a heartbeat extends the lease. It
        may run twice for the same delivery (`Delivery.may_have_been_sent`).

        Returns an outcome for every delivery, by primary key. Raises CloudUnavailable, which
        means `Again` for all, or CloudRejected, which means `Refused` for a batch of one; a
        larger batch is halved and tried again until the bad item stands alone.
        """
        raise NotImplementedError

    def lock_subject(self, subject: str) -> None:
        """Lock the app's own row of the subject, if there is one.

        A caller of `services.send` holds that row. The outbox locks it too before it ends or
        requeues deliveries that no worker holds. So all take their locks in one order (the app's
        row, then deliveries), and no follower is added to a delivery that is just ending.
        """

    def settle(self, delivery: Delivery, outcome: Outcome) -> None:
        """Write what the outcome means for the app's own rows.

        Runs inside the transaction that finishes the delivery, after its new state is written:
        `delivery.state` is `done`, `given_up`, `waiting` (it will be tried again) or `superseded`
        (a newer one replaces it). If the lease was lost, everything is rolled back.

        Also called with `Refused` when the delivery is given up with its predecessor, and with
        `Superseded` when it is cancelled or replaced before it was sent. Then it runs inside
        another app's transaction, so it must not call the cloud.
        """


_handlers: dict[str, Handler] = {}


def register(handler: Handler) -> None:
    """Register the handler of its kind. Raises ValueError if another class has the kind."""
    registered = _handlers.setdefault(handler.kind, handler)
    if type(registered) is not type(handler):
        raise ValueError(
            f"The kind {handler.kind!r} has a handler already: {type(registered).__name__}."
        )


def handler_for(kind: str) -> Handler:
    """The handler of a kind. Raises LookupError if no app registered one."""
    try:
        return _handlers[kind]
    except KeyError:
        known = ", ".join(sorted(_handlers)) or "none"
        raise LookupError(f"No handler is registered for {kind!r}; registered: {known}.") from None


def registered_kinds() -> tuple[str, ...]:
    return tuple(sorted(_handlers))
