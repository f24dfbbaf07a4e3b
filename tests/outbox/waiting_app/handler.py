import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from shortvideo.outbox.handlers import Done, Handler, Outcome
from shortvideo.outbox.models import Delivery

LONGEST_WAIT_SECONDS = 30


class WaitingHandler(Handler):
    """Says that it began, by a file of the subject's name, and waits for the file `go`."""

    kind = "waiting"

    def deliver(self, batch: Sequence[Delivery]) -> Mapping[int, Outcome]:
        folder = Path(os.environ["WAITING_APP_FOLDER"])
        (folder / batch[0].subject).touch()
        ends_at = time.monotonic() + LONGEST_WAIT_SECONDS
        while not (folder / "go").exists() and time.monotonic() < ends_at:
            time.sleep(0.02)
        return {batch[0].pk: Done({"by": os.getpid()})}


class QuickHandler(Handler):
    kind = "quick"

    def deliver(self, batch: Sequence[Delivery]) -> Mapping[int, Outcome]:
        return {delivery.pk: Done() for delivery in batch}
