"""A handler that answers as a test tells it to, and remembers what happened."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from shortvideo.outbox import services
from shortvideo.outbox.handlers import Done, Handler, Outcome
from shortvideo.outbox.models import Delivery

Answer = Callable[[Delivery], Outcome]


@dataclass(frozen=True)
class Settled:
    subject: str
    state: str
    outcome: Outcome


class ScriptedHandler(Handler):
    """Asks `answer` for each delivery; what that raises fails the whole call.

    `calls` holds the subjects of each call, `settled` what was settled.
    """

    kind = "scripted"

    def __init__(
        self,
        kind: str = "scripted",
        *,
        batch_size: int = 1,
        supersede_attempted: bool = False,
        answer: Answer = lambda _: Done(),
    ) -> None:
        # Each test makes its own: a class for each would say no more.
        self.kind = kind  # type: ignore[misc]  # one class serves all kinds of the tests
        self.batch_size = batch_size  # type: ignore[misc]  # the same
        self.supersede_attempted = supersede_attempted  # type: ignore[misc]  # the same
        self.answer = answer
        self.on_settle: Callable[[Delivery], None] = lambda _: None
        self.calls: list[list[str]] = []
        self.settled: list[Settled] = []

    def deliver(self, batch: Sequence[Delivery]) -> Mapping[int, Outcome]:
        assert not transaction.get_connection().in_atomic_block or self._in_a_test_transaction()
        self.calls.append([delivery.subject for delivery in batch])
        return {delivery.pk: self.answer(delivery) for delivery in batch}

    def settle(self, delivery: Delivery, outcome: Outcome) -> None:
        assert transaction.get_connection().in_atomic_block
        self.on_settle(delivery)
        self.settled.append(Settled(delivery.subject, delivery.state, outcome))

    @staticmethod
    def _in_a_test_transaction() -> bool:
        # pytest-django's own atomic block, and no savepoint of ours inside it.
        return len(transaction.get_connection().savepoint_ids) <= 1


def send(subject: str = "v1", *, kind: str = "scripted", **options: Any) -> Delivery:
    with transaction.atomic():
        return services.send(kind, subject=subject, **options)


def make_due() -> None:
    """As if the backoff of all that waits had passed."""
    Delivery.objects.waiting().update(due_at=timezone.now() - timedelta(seconds=1))


def let_leases_end() -> None:
    """As if the workers that hold rows had been silent for longer than a lease."""
    Delivery.objects.open().update(lease_until=timezone.now() - timedelta(seconds=1))
