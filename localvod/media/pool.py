"""A thread pool for media work; its shutdown kills its ffmpeg processes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from localvod.media.ffmpeg import Children, adopt_thread

P = ParamSpec("P")
T = TypeVar("T")

QUEUE_LIMIT = 10_000


class PoolFullError(RuntimeError):
    """The queue of the pool is full; try again later."""


class Pool:
    """Runs at most `workers` functions at a time, each in a thread."""

    def __init__(self, workers: int, queue_limit: int = QUEUE_LIMIT) -> None:
        if workers < 1:
            raise ValueError(f"A media pool needs at least one worker, not {workers}.")
        self._children = Children()
        self._places = threading.BoundedSemaphore(workers + queue_limit)
        self._executor = ThreadPoolExecutor(
            workers, "media", initializer=adopt_thread, initargs=(self._children,)
        )

    def submit(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Queue `work`. Raises PoolFullError, or RuntimeError after `shutdown`."""
        if not self._places.acquire(blocking=False):
            raise PoolFullError("The media pool's queue is full.")
        try:
            future = self._executor.submit(work, *args, **kwargs)
        except RuntimeError:
            self._places.release()
            raise
        future.add_done_callback(lambda _: self._places.release())
        return future

    def shutdown(self) -> None:
        """Drop queued work, kill running ffmpeg processes and wait for the threads."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._children.kill()
        self._executor.shutdown(wait=True)
