"""The media pool: a bounded queue, and a shutdown that ends every ffmpeg."""

from __future__ import annotations

import threading

import pytest

from localvod.media.ffmpeg import MediaError, run_ffmpeg
from localvod.media.pool import Pool, PoolFullError

ENDLESS = ["-re", "-f", "lavfi", "-i", "testsrc2=s=64x64:d=600", "-f", "null", "-"]


def run_endless(started: threading.Event) -> tuple[int, str]:
    """Run ffmpeg for ten minutes in real time; sets `started` at its first frame."""
    return run_ffmpeg(ENDLESS, on_progress=lambda _: started.set())


def test_the_pool_returns_the_result() -> None:
    pool = Pool(1)
    assert pool.submit(lambda: 6 * 7).result(timeout=60) == 42
    pool.shutdown()


def test_the_pool_raises_the_error_of_the_work() -> None:
    def fail() -> None:
        raise MediaError("TranscodeFailed", "on purpose")

    pool = Pool(1)
    with pytest.raises(MediaError, match="on purpose"):
        pool.submit(fail).result(timeout=60)
    pool.shutdown()


def test_shutdown_ends_running_work_and_drops_queued_work() -> None:
    pool, started = Pool(1), threading.Event()
    running, waiting = pool.submit(run_endless, started), pool.submit(run_endless, started)
    assert started.wait(60)
    pool.shutdown()
    assert waiting.cancelled()
    with pytest.raises(MediaError, match="Cancelled"):
        running.result(timeout=60)


def test_shutdown_leaves_the_work_of_another_pool_alone() -> None:
    first, second, started = Pool(1), Pool(1), threading.Event()
    running = second.submit(run_endless, started)
    assert started.wait(60)
    first.shutdown()
    assert not running.done()
    second.shutdown()


def test_the_pool_refuses_work_after_shutdown() -> None:
    pool = Pool(1)
    pool.shutdown()
    with pytest.raises(RuntimeError, match="after shutdown"):
        pool.submit(print)


def test_a_full_queue_refuses_work_until_there_is_room() -> None:
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


def test_ffmpeg_is_stopped_after_its_timeout() -> None:
    with pytest.raises(MediaError, match="Timeout"):
        run_ffmpeg(ENDLESS, timeout_seconds=0.5)
