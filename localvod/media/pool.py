"""A bounded pool of media work whose ffmpeg processes end with it."""

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
    """More work waits than the pool accepts; try again later."""


class Pool:
    """Runs at most `workers` pieces of work at a time, each in a thread that starts its ffmpeg."""

    def __init__(self, workers: int, queue_limit: int = QUEUE_LIMIT) -> None:
        if workers < 1:
            raise ValueError(f"A media pool needs at least one worker, not {workers}.")
        self._children = Children()
        self._places = threading.BoundedSemaphore(workers + queue_limit)
        self._executor = ThreadPoolExecutor(
            workers, "media", initializer=adopt_thread, initargs=(self._children,)
        )

    def submit(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Queue `work`; PoolFullError when the queue is full, RuntimeError after `shutdown`."""
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
        """Drop what waits, kill what runs, and return when the threads have ended."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._children.kill()
        self._executor.shutdown(wait=True)
