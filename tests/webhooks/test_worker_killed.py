"""At-least-once delivery: a worker dies after the call and before its commit."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from shortvideo.outbox.models import DeliveryState
from shortvideo.outbox.worker import work_once
from shortvideo.webhooks.services import KIND
from tests.outbox.support import LONGEST_WAIT_SECONDS, let_leases_end
from tests.support.database_url import database_url
from tests.support.receiver import Received, Receiver

from .support import delivery_of, emit_event, ids, make_endpoint

ROOT = Path(__file__).parents[2]


@contextmanager
def worker() -> Iterator[subprocess.Popen[bytes]]:
    """Run a `manage.py work` process for webhooks."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": database_url(),
    }
    with subprocess.Popen(
        [sys.executable, "manage.py", "work", "--kinds", KIND], cwd=ROOT, env=environment
    ) as process:
        yield process
        process.kill()


@pytest.mark.django_db(transaction=True)
def test_a_killed_workers_event_is_sent_again_with_its_id(receiver: Receiver) -> None:
    make_endpoint(receiver)
    first, second = emit_event("v1", n=1), emit_event("v1", n=2)
    with worker() as process:

        def kill(_: Received) -> int:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGKILL)
            process.wait(LONGEST_WAIT_SECONDS)
            return 200

        receiver.answer = kill
        process.wait(LONGEST_WAIT_SECONDS)
    assert ids(receiver.received) == [str(first.uid)]
    delivery = delivery_of(first)
    assert delivery.state == DeliveryState.LEASED
    receiver.answer = lambda _: 200
    let_leases_end()
    work_once([KIND])
    work_once([KIND])
    assert ids(receiver.received) == [str(first.uid), str(first.uid), str(second.uid)]
    assert receiver.received[0].content == receiver.received[1].content
    delivery.refresh_from_db()
    assert (delivery.state, delivery.broken_lease_count) == (DeliveryState.DONE, 1)
