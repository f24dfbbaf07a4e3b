"""Periodic tasks: one runner at a time, shown errors, and a worker that goes on after them."""

import threading
from datetime import timedelta

import pytest
from django.utils import timezone

from shortvideo.cloud.errors import CloudUnavailable
from shortvideo.outbox import periodic
from shortvideo.outbox.models import PeriodicTask
from shortvideo.outbox.worker import work_once
from tests.support.localvod import wait_until

from .support import LONGEST_WAIT_SECONDS, another_worker

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def _make_due() -> None:
    periodic.due_names()
    PeriodicTask.objects.update(due_at=timezone.now())


def test_a_task_runs_one_period_after_it_is_first_known() -> None:
    runs: list[int] = []
    periodic.periodic("sync", every=HOUR)(lambda: runs.append(1))
    assert work_once() == 0
    task = PeriodicTask.objects.get()
    assert timedelta(minutes=59) < task.due_at - timezone.now() <= HOUR
    _make_due()
    assert work_once() == 1
    assert work_once() == 0
    assert runs == [1]


def test_the_next_run_is_due_one_period_after_the_end() -> None:
    periodic.periodic("sync", every=HOUR)(lambda: None)
    _make_due()
    work_once()
    task = PeriodicTask.objects.get()
    assert task.last_run_at is not None
    assert task.last_finished_at is not None
    assert task.due_at == task.last_finished_at + HOUR
    assert (task.lease_token, task.lease_until, task.last_error) == (None, None, "")


def test_a_worker_for_some_kinds_runs_no_tasks() -> None:
    runs: list[int] = []
    periodic.periodic("sync", every=HOUR)(lambda: runs.append(1))
    _make_due()
    work_once(["audit"])
    assert not runs


def test_a_cloud_error_is_shown_and_the_task_stays_scheduled() -> None:
    @periodic.periodic("sync", every=HOUR)
    def sync() -> None:
        raise CloudUnavailable("VOD did not answer in time.")

    _make_due()
    assert work_once() == 1
    task = PeriodicTask.objects.get()
    assert task.last_error == "VOD did not answer in time."
    assert task.due_at > timezone.now()


def test_a_fault_is_logged_and_shown_without_its_details(
    caplog: pytest.LogCaptureFixture,
) -> None:
    @periodic.periodic("sync", every=HOUR)
    def sync() -> None:
        raise ValueError("a secret")

    _make_due()
    work_once()
    assert PeriodicTask.objects.get().last_error == "ValueError; see the log."
    assert "a secret" in caplog.text


def test_a_success_clears_the_last_error() -> None:
    periodic.periodic("sync", every=HOUR)(lambda: None)
    _make_due()
    PeriodicTask.objects.update(last_error="VOD did not answer in time.")
    work_once()
    assert PeriodicTask.objects.get().last_error == ""


@pytest.mark.django_db(transaction=True)
def test_exactly_one_of_many_workers_runs_a_task() -> None:
    runs: list[int] = []
    periodic.periodic("sync", every=HOUR)(lambda: runs.append(1))
    _make_due()
    start = threading.Barrier(4)
    ran: list[int] = []

    def run() -> None:
        start.wait(LONGEST_WAIT_SECONDS)
        ran.append(periodic.run("sync"))

    with another_worker(run), another_worker(run), another_worker(run):
        run()
    assert (len(runs), sorted(ran)) == (1, [0, 0, 0, 1])


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("quick_heartbeat")
def test_a_long_task_keeps_its_lease() -> None:
    is_running, may_end = threading.Event(), threading.Event()

    @periodic.periodic("sync", every=HOUR)
    def sync() -> None:
        is_running.set()
        assert may_end.wait(LONGEST_WAIT_SECONDS)

    _make_due()
    with another_worker(lambda: periodic.run("sync")):
        assert is_running.wait(LONGEST_WAIT_SECONDS)
        for _ in range(2):
            PeriodicTask.objects.update(lease_until=timezone.now())
            wait_until(lambda: not PeriodicTask.objects.due(timezone.now()).exists())
            assert periodic.run("sync") == 0
        may_end.set()
    assert PeriodicTask.objects.get().last_finished_at is not None


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("without_heartbeat")
def test_a_frozen_runner_does_not_end_the_run_of_another(
    caplog: pytest.LogCaptureFixture,
) -> None:
    is_running, may_end = threading.Event(), threading.Event()

    @periodic.periodic("sync", every=HOUR)
    def sync() -> None:
        is_running.set()
        assert may_end.wait(LONGEST_WAIT_SECONDS)

    _make_due()
    now = timezone.now()
    with another_worker(lambda: periodic.run("sync")):
        assert is_running.wait(LONGEST_WAIT_SECONDS)
        PeriodicTask.objects.update(lease_until=now)
        taken_over = PeriodicTask.objects.due(timezone.now()).filter(name="sync")
        assert taken_over.update(lease_token="00000000-0000-4000-8000-000000000000", due_at=now)
        may_end.set()
    task = PeriodicTask.objects.get()
    assert (task.last_finished_at, task.due_at) == (None, now)
    assert "The lease of a periodic task was lost" in caplog.text
