import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from shortvideo.outbox.handlers import Done, Handler, Outcome
from shortvideo.outbox.loop import WorkerLoop
from shortvideo.outbox.models import Delivery
from tests.outbox.support import LONGEST_WAIT_SECONDS

FOLDER = Path(os.environ["WAITING_APP_FOLDER"])


class WaitingHandler(Handler):
    """Touches a file named like the subject, and waits for the file `go`."""

    kind = "waiting"

    def deliver(self, batch: Sequence[Delivery]) -> Mapping[int, Outcome]:
        (FOLDER / batch[0].subject).touch()
        ends_at = time.monotonic() + LONGEST_WAIT_SECONDS
        while not (FOLDER / "go").exists() and time.monotonic() < ends_at:
            time.sleep(0.02)
        return {batch[0].pk: Done({"by": os.getpid()})}


class QuickHandler(Handler):
    kind = "quick"

    def deliver(self, batch: Sequence[Delivery]) -> Mapping[int, Outcome]:
        return {delivery.pk: Done() for delivery in batch}


def announce_stop() -> None:
    """Have the worker touch the file `stopping` once it begins nothing new."""
    stop = WorkerLoop.stop

    def announced(loop: WorkerLoop) -> None:
        stop(loop)
        (FOLDER / "stopping").touch()

    WorkerLoop.stop = announced  # type: ignore[assignment,method-assign]  # a process of the tests alone
