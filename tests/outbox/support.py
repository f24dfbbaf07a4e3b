"""A handler whose outcomes a test chooses, and deliveries made the short way."""

import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection, connections, transaction
from django.utils import timezone

from shortvideo.outbox import services
from shortvideo.outbox.handlers import Done, Handler, Outcome
from shortvideo.outbox.models import Delivery, DeliveryState
from shortvideo.outbox.worker import work_once

Answer = Callable[[Delivery], Outcome]
LONGEST_WAIT_SECONDS = 180  # of a test that fails: the others end as soon as the state is there


@dataclass(frozen=True)
class Settled:
    subject: str
    state: str
    outcome: Outcome


class ScriptedHandler(Handler):
    """Asks `answer` for each delivery. An exception of `answer` fails the whole call.

    `calls` holds the subjects of each call, `settled` the settled deliveries.
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
        # pytest-django's atomic block, and no savepoint of the outbox inside it.
        return len(transaction.get_connection().savepoint_ids) <= 1


def send(subject: str = "v1", *, kind: str = "scripted", **options: Any) -> Delivery:
    with transaction.atomic():
        return services.send(kind, subject=subject, **options)


def make_due() -> None:
    """End the backoff of all waiting deliveries."""
    Delivery.objects.waiting().update(due_at=timezone.now() - timedelta(seconds=1))


def let_leases_end() -> None:
    """End all leases, as if their workers had sent no heartbeat."""
    Delivery.objects.open().update(lease_until=timezone.now() - timedelta(seconds=1))


def work_while_due(kinds: Collection[str] | None = None) -> None:
    """Work until nothing is due and no row is leased. Deliveries that are due later stay."""
    leased = Delivery.objects.filter(state=DeliveryState.LEASED)
    _work_until(lambda: not leased.exists(), kinds)


def work_until_done() -> None:
    """Work until no delivery is open, also on those that are due later."""

    def is_done() -> bool:
        make_due()
        return not Delivery.objects.open().exists()

    _work_until(is_done)


def _work_until(is_over: Callable[[], bool], kinds: Collection[str] | None = None) -> None:
    ends_at = time.monotonic() + LONGEST_WAIT_SECONDS
    while True:
        if not work_once(kinds):
            if is_over():
                return
            time.sleep(0.02)  # until the lease of another worker has ended
        assert time.monotonic() < ends_at, list(Delivery.objects.open().values())


@contextmanager
def another_worker(work: Callable[[], object]) -> Iterator[None]:
    """Run `work` in a thread with a connection of its own. Raises what `work` raises."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised again in the test
            errors.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        thread.join(LONGEST_WAIT_SECONDS)
    assert not thread.is_alive()
    if errors:
        raise errors[0]


def is_database_locked() -> bool:
    """Whether another connection holds the write lock (SQLite) or is in a transaction."""
    if connection.vendor == "sqlite":
        with closing(sqlite3.connect(connection.settings_dict["NAME"], timeout=0)) as other:
            try:
                other.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return True
            return False
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE xact_start IS NOT NULL"
            " AND datname = current_database() AND pid <> pg_backend_pid()"
            " AND backend_type = 'client backend')"
        )
        [is_locked] = cursor.fetchone()
    return bool(is_locked)
