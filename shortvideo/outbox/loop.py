"""The worker process: polls for due work and runs each kind in a thread of its own."""

import logging
import os
import select
import signal
import threading
import time
from collections.abc import Callable, Collection
from functools import partial
from types import FrameType

from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections, connections

from shortvideo.database import describe, is_unavailable

from . import periodic
from .worker import due_kinds, send_batch

logger = logging.getLogger(__name__)

_LONGEST_RECONNECT_SECONDS = 10.0


class WorkerLoop:
    """Work until `stop()`, then finish the current batches.

    Each kind and each periodic task runs in its own thread, so that a slow one does not delay the
    rest. The thread ends, and closes its database connection, when nothing more is due.
    """

    def __init__(self, kinds: Collection[str] | None = None) -> None:
        self._kinds = kinds
        self._threads: dict[str, threading.Thread] = {}
        self._is_stopping = False
        self._wake_reader, self._wake_writer = os.pipe()

    def stop(self) -> None:
        """Takes no lock, so a signal handler may call it."""
        self._is_stopping = True
        os.write(self._wake_writer, b".")

    def stop_on_signals(self) -> None:
        """On SIGTERM or SIGINT finish the current batches and start no other."""

        def stop(_number: int, _frame: FrameType | None) -> None:
            self.stop()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)

    def run(self) -> None:
        logger.info("Worker started")
        try:
            self._poll_until_stopped()
            self._join()
        finally:
            connections.close_all()
            os.close(self._wake_reader)
            os.close(self._wake_writer)
        logger.info("Worker stopped")

    def _poll_until_stopped(self) -> None:
        pause = settings.OUTBOX_POLL_SECONDS
        while not self._is_stopping:
            try:
                close_old_connections()
                self._start_due_work()
                pause = settings.OUTBOX_POLL_SECONDS
            except (OperationalError, InterfaceError) as error:
                pause = min(pause * 2 or 1, _LONGEST_RECONNECT_SECONDS)
                logger.warning(
                    "No database; trying again",
                    extra={"seconds": pause, "cause": describe(error)},
                )
                connections.close_all()
            select.select([self._wake_reader], [], [], pause)

    def _start_due_work(self) -> None:
        """Start a thread for each due kind or task that has none."""
        for kind in due_kinds(self._kinds):
            self._start(f"deliveries:{kind}", partial(send_batch, kind))
        if self._kinds is None:
            for name in periodic.due_names():
                self._start(f"periodic:{name}", partial(periodic.run, name))

    def _start(self, name: str, step: Callable[[], int]) -> None:
        running = self._threads.get(name)
        if running is not None and running.is_alive():
            return
        # Daemons, so that a long periodic task does not keep a stopped worker alive.
        thread = threading.Thread(target=self._drain, args=(step,), name=name, daemon=True)
        self._threads[name] = thread
        thread.start()

    def _drain(self, step: Callable[[], int]) -> None:
        try:
            while not self._is_stopping and step():
                pass
        except Exception as error:
            if is_unavailable(error):
                # The rows stay leased; a worker claims them again after the lease.
                logger.warning(
                    "The database was lost during a batch", extra={"cause": describe(error)}
                )
            else:
                logger.exception("A thread of the worker failed")
        finally:
            connections.close_all()

    def _join(self) -> None:
        """Wait for the batches, but only one lease for periodic tasks, which are resumable."""
        ends_at = time.monotonic() + settings.OUTBOX_LEASE_SECONDS
        for name, thread in self._threads.items():
            is_periodic = name.startswith("periodic:")
            thread.join(max(0.0, ends_at - time.monotonic()) if is_periodic else None)
            if thread.is_alive():
                logger.warning("A periodic task was left unfinished", extra={"task": name})
