"""Who sends a kind of delivery, and what can become of one.

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
    """It is in the cloud. `result` (JSON) is kept on the row."""

    result: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Again:
    """Trying again can help.

    Attributes:
        reason: one sentence, fit to show; without secrets or URLs.
        delay_seconds: when to try again; None leaves it to the backoff.
        throttled: the cloud asked us to slow down: the whole kind pauses, and this was no attempt.
        is_fault: this program failed, or the cloud gave an answer about this one thing that leads
            nowhere. Only that uses up OUTBOX_MAX_ATTEMPTS: an outage, however long, undoes no
            decision.
        is_untried: nothing was sent, because whom it is for is known to be away: no attempt.
    """

    reason: str
    delay_seconds: float | None = None
    throttled: bool = False
    is_fault: bool = False
    is_untried: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """Trying again cannot help: the row is given up, visibly.

    `message` is one sentence, fit to show; `code` and `request_id` are the cloud's.
    """

    code: str
    message: str
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Superseded:
    """It need not be sent: it was cancelled, or something newer stands in its place.

    `reason` is one sentence, fit to show.
    """

    reason: str = ""


Outcome = Done | Again | Refused | Superseded


class Handler:
    """Sends the deliveries of one kind.

    Attributes:
        kind: the `Delivery.kind` it serves.
        batch_size: the largest batch that the operation takes in one call.
        supersede_attempted: whether a newer delivery may replace one that was tried without
            success. Only where the last call wins: the earlier one may have reached the cloud.
    """

    kind: ClassVar[str]
    batch_size: ClassVar[int] = 1
    supersede_attempted: ClassVar[bool] = False

    def deliver(self, batch: Sequence[Delivery]) -> Mapping[int, Outcome]:
        """Call the cloud for 1 to `batch_size` deliveries, of as many subjects.

        Runs outside any transaction, for as long as it takes: the lease is extended meanwhile.
        It may run twice for the same delivery (`Delivery.may_have_been_sent`).

        Returns an outcome for every delivery, by its primary key. Raises CloudUnavailable, which
        means `Again` for all of them, or CloudRejected, which means `Refused` for a batch of one;
        a larger batch is then divided and tried again until the bad item stands alone.
        """
        raise NotImplementedError

    def lock_subject(self, subject: str) -> None:
        """Lock the app's own row of the subject, where it has one.

        Whoever writes a delivery holds that row. The outbox takes it as well before it ends or
        revives rows that are in nobody's hands, so that all take their locks in one order, and
        nothing is put after a delivery that is just ending.
        """

    def settle(self, delivery: Delivery, outcome: Outcome) -> None:
        """Write what the outcome means for the app's own rows.

        Runs inside the transaction that finishes the delivery, after its new state is written:
        `delivery.state` is `done`, `given_up`, `waiting` (it will be tried again) or `superseded`
        (a newer one replaces it). When the lease was lost, all of it is rolled back.

        Also called, with `Refused`, when the delivery is given up because the one it comes after
        was, and with `Superseded` when it is cancelled or replaced before it was sent. Then it runs
        inside another app's transaction: no cloud calls here.
        """


_handlers: dict[str, Handler] = {}


def register(handler: Handler) -> None:
    """Make `handler` the one for its kind; ValueError when there is another already."""
    registered = _handlers.setdefault(handler.kind, handler)
    if type(registered) is not type(handler):
        raise ValueError(
            f"The kind {handler.kind!r} has a handler already: {type(registered).__name__}."
        )


def handler_for(kind: str) -> Handler:
    """The handler of a kind; LookupError when no app registered one."""
    try:
        return _handlers[kind]
    except KeyError:
        known = ", ".join(sorted(_handlers)) or "none"
        raise LookupError(f"No handler is registered for {kind!r}; registered: {known}.") from None


def registered_kinds() -> tuple[str, ...]:
    return tuple(sorted(_handlers))
