"""The media pool: bounded, and no ffmpeg outlives it."""

from __future__ import annotations

import threading

import pytest

from localvod.media import ffmpeg
from localvod.media.ffmpeg import MediaError
from localvod.media.pool import Pool, PoolFullError

ENDLESS = ["-re", "-f", "lavfi", "-i", "testsrc2=s=64x64:d=600", "-f", "null", "-"]


def endless(started: threading.Event) -> tuple[int, str]:
    """ffmpeg at the pace of a clock for ten minutes; tells when it has begun."""
    return ffmpeg.run(ENDLESS, on_progress=lambda _: started.set())


def test_work_is_done_and_its_result_comes_back() -> None:
    pool = Pool(1)
    assert pool.submit(lambda: 6 * 7).result(timeout=60) == 42
    pool.shutdown()


def test_a_failure_reaches_the_one_who_waits() -> None:
    def fail() -> None:
        raise MediaError("TranscodeFailed", "on purpose")

    pool = Pool(1)
    with pytest.raises(MediaError, match="on purpose"):
        pool.submit(fail).result(timeout=60)
    pool.shutdown()


def test_shutting_down_ends_what_runs_and_drops_what_waits() -> None:
    pool, started = Pool(1), threading.Event()
    running, waiting = pool.submit(endless, started), pool.submit(endless, started)
    assert started.wait(60)
    pool.shutdown()
    assert waiting.cancelled()
    with pytest.raises(MediaError, match="Cancelled"):
        running.result(timeout=60)


def test_one_pool_does_not_end_the_work_of_another() -> None:
    first, second, started = Pool(1), Pool(1), threading.Event()
    running = second.submit(endless, started)
    assert started.wait(60)
    first.shutdown()
    assert not running.done()
    second.shutdown()


def test_after_the_shutdown_nothing_is_accepted() -> None:
    pool = Pool(1)
    pool.shutdown()
    with pytest.raises(RuntimeError, match="after shutdown"):
        pool.submit(print)


def test_a_full_queue_refuses_and_accepts_again_once_there_is_room() -> None:
    pool, release = Pool(1, queue_limit=1), threading.Event()
    running, waiting = pool.submit(release.wait), pool.submit(release.wait)
    with pytest.raises(PoolFullError):
        pool.submit(print)
    release.set()
    running.result(timeout=60)
    waiting.result(timeout=60)
    assert pool.submit(lambda: "done").result(timeout=60) == "done"
    pool.shutdown()


def test_a_pool_without_workers_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one worker, not 0"):
        Pool(0)


def test_work_that_takes_too_long_is_stopped() -> None:
    with pytest.raises(MediaError, match="Timeout"):
        ffmpeg.run(ENDLESS, timeout_seconds=0.5)
