"""`manage.py work` as a real process: signals, sudden death, freezing, a second one."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from shortvideo.outbox import handlers
from shortvideo.outbox.models import Delivery, DeliveryState
from shortvideo.outbox.worker import work_once
from tests.support.database_url import database_url
from tests.support.localvod import wait_until

from .support import (
    LONGEST_WAIT_SECONDS,
    ScriptedHandler,
    is_database_locked,
    let_leases_end,
    send,
)

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).parents[2]


class Worker:
    """One `manage.py work` process; `log` is its standard error so far."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.outbox.worker_settings",
            "DATABASE_URL": database_url(),
            "WAITING_APP_FOLDER": str(folder),
            "OUTBOX_LEASE_SECONDS": "1",
            "OUTBOX_POLL_SECONDS": "0.05",
        }
        self.log = ""
        self.process = subprocess.Popen(
            [sys.executable, "manage.py", "work", *arguments],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log += line

    def send_signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def freeze(self) -> None:
        """Stop the process where it holds no lock: the test writes meanwhile.

        Its loop and its heartbeat write too. Stopped in such a transaction, it would keep every
        other writer out of a SQLite database for as long as it is stopped.
        """
        wait_until(self._is_stopped_without_lock)

    def _is_stopped_without_lock(self) -> bool:
        self.send_signal(signal.SIGSTOP)
        # All its threads have stopped on return.
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        if is_database_locked():
            self.send_signal(signal.SIGCONT)
            return False
        return True

    def exit_status(self) -> int:
        status = self.process.wait(LONGEST_WAIT_SECONDS)
        self._reader.join()
        return status

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.exit_status()
        assert self.process.stderr is not None
        self.process.stderr.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The handler of the worker touches a file here, and waits for the file `go`."""
    return tmp_path


@pytest.fixture
def start_worker(folder: Path) -> Iterator[Callable[..., Worker]]:
    workers: list[Worker] = []

    def start(*arguments: str) -> Worker:
        workers.append(Worker(folder, *arguments))
        return workers[-1]

    yield start
    for worker in workers:
        worker.close()


@pytest.fixture
def waiting() -> ScriptedHandler:
    """The kind of the worker, also registered in the test's process, which may take over."""
    handler = ScriptedHandler("waiting", answer=lambda _: handlers.Done({"by": "the test"}))
    handlers.register(handler)
    return handler


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_worker_after_its_batch(
    waiting: ScriptedHandler,
    folder: Path,
    start_worker: Callable[..., Worker],
    number: signal.Signals,
) -> None:
    first = send("v1", kind="waiting")
    second = send("v1", kind="waiting")
    worker = start_worker()
    wait_until((folder / "v1").exists)
    worker.send_signal(number)
    wait_until((folder / "stopping").exists)
    (folder / "go").touch()
    assert worker.exit_status() == 0
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state) == (DeliveryState.DONE, DeliveryState.WAITING)
    assert "Worker stopped" in worker.log
    assert "Traceback" not in worker.log


def test_an_idle_worker_leaves_at_once(
    waiting: ScriptedHandler, start_worker: Callable[..., Worker]
) -> None:
    worker = start_worker()
    wait_until(lambda: "Worker started" in worker.log)
    worker.send_signal(signal.SIGTERM)
    assert worker.exit_status() == 0


def test_a_killed_worker_loses_nothing(
    waiting: ScriptedHandler, folder: Path, start_worker: Callable[..., Worker]
) -> None:
    delivery = send("v1", kind="waiting")
    worker = start_worker()
    wait_until((folder / "v1").exists)
    worker.send_signal(signal.SIGKILL)
    worker.exit_status()
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.LEASED
    (folder / "go").touch()
    start_worker()
    wait_until(lambda: Delivery.objects.done().exists())
    delivery.refresh_from_db()
    assert (delivery.attempts, delivery.claim_count, delivery.broken_lease_count) == (2, 2, 1)


def test_a_frozen_worker_finishes_nothing_when_it_wakes(
    waiting: ScriptedHandler, folder: Path, start_worker: Callable[..., Worker]
) -> None:
    delivery = send("v1", kind="waiting")
    worker = start_worker()
    wait_until((folder / "v1").exists)
    worker.freeze()
    let_leases_end()
    assert work_once(["waiting"]) == 1
    (folder / "go").touch()
    worker.send_signal(signal.SIGCONT)
    wait_until(lambda: "The lease was lost" in worker.log)
    delivery.refresh_from_db()
    assert delivery.result == {"by": "the test"}


def test_a_kind_that_hangs_delays_no_other(
    waiting: ScriptedHandler, start_worker: Callable[..., Worker], folder: Path
) -> None:
    handlers.register(ScriptedHandler("quick"))
    hanging = send("v1", kind="waiting")
    start_worker()
    wait_until((folder / "v1").exists)
    send("v2", kind="quick")
    wait_until(lambda: Delivery.objects.done().exists())
    hanging.refresh_from_db()
    assert hanging.state == DeliveryState.LEASED


def test_a_kind_that_the_worker_does_not_serve_waits(
    waiting: ScriptedHandler, start_worker: Callable[..., Worker], folder: Path
) -> None:
    handlers.register(ScriptedHandler("quick"))
    (folder / "go").touch()
    send("v1", kind="waiting")
    worker = start_worker("--kinds", "quick")
    send("v2", kind="quick")
    wait_until(lambda: Delivery.objects.done().exists())
    worker.send_signal(signal.SIGTERM)
    assert worker.exit_status() == 0
    assert Delivery.objects.waiting().get().subject == "v1"


def test_a_second_worker_is_refused_over_sqlite_only(
    waiting: ScriptedHandler, folder: Path, start_worker: Callable[..., Worker]
) -> None:
    first = start_worker()
    wait_until(lambda: "Worker started" in first.log)
    second = start_worker()
    if connection.vendor == "sqlite":
        assert second.exit_status() == 1
        assert second.log == (
            "CommandError: Another worker runs on this SQLite database, which allows one only: "
            "stop it first, or use PostgreSQL.\n"
        )
        first.send_signal(signal.SIGKILL)
        first.exit_status()
        second = start_worker()  # the place of a killed worker is free at once
    wait_until(lambda: "Worker started" in second.log)


def test_a_worker_outlives_the_loss_of_its_connections(
    waiting: ScriptedHandler, folder: Path, start_worker: Callable[..., Worker]
) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no connection that can be lost.")
    (folder / "go").touch()
    worker = start_worker()
    send("v1", kind="waiting")
    wait_until(lambda: Delivery.objects.done().count() == 1)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    send("v2", kind="waiting")
    wait_until(lambda: Delivery.objects.done().count() == 2)
    assert worker.process.poll() is None


def test_once_and_until_idle_print_the_number_of_rows(
    waiting: ScriptedHandler, capsys: pytest.CaptureFixture[str]
) -> None:
    for subject in ("v1", "v1", "v2"):
        send(subject, kind="waiting")
    call_command("work", "--once", "--kinds", "waiting")
    assert capsys.readouterr().out == "1 rows worked on.\n"
    call_command("work", "--until-idle")
    assert capsys.readouterr().out == "2 rows worked on.\n"


def test_a_kind_that_does_not_exist_is_refused_by_name(waiting: ScriptedHandler) -> None:
    with pytest.raises(CommandError, match=r"Unknown kind wating; allowed: waiting\."):
        call_command("work", "--once", "--kinds", "wating")
