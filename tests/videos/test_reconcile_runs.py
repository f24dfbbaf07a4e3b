"""Runs of reconciliation by the command, the worker and the desk: one at a time."""

import io
import json
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.utils import timezone

from shortvideo.cloud import retry, vod_gateway
from shortvideo.outbox.models import Delivery, DeliveryState, PeriodicTask
from shortvideo.outbox.periodic import NotNow
from shortvideo.outbox.worker import work_once, work_until_idle
from tests.factories import make_operator
from tests.support.localvod import LocalVod
from tests.videos.reconciling import synced
from videos import reconcile
from videos.models import Decision, ReconcileRun, Source, Video
from videos.periodic.reconcile import _carry_out, compare_daily, reconcile_requested
from videos.reconcile import Options
from videos.services import DecisionInput, review_video

pytestmark = pytest.mark.django_db(transaction=True)

State = ReconcileRun.State
AT_ONCE = Options(grace_seconds=0, wait_seconds=0)


@pytest.fixture(autouse=True)
def _no_long_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "PAUSES_SECONDS", (0.01, 0.01))


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("reconcile", "--grace=0", "--wait=0", *arguments, stdout=out)
    return out.getvalue()


def test_without_drift_it_succeeds_and_prints_a_table(cloud: LocalVod) -> None:
    cloud.seed()
    call_command("sync_videos", stdout=io.StringIO())
    lines = run().splitlines()
    assert lines[0] == "1 videos here, 1 in VOD."
    assert lines[2].split() == ["found", "healed", "under", "way", "left"]
    assert lines[3].split() == ["in", "VOD,", "not", "here", "0", "0", "0", "0"]


def test_what_an_operator_must_decide_names_no_heal_option(cloud: LocalVod) -> None:
    video = synced(cloud)
    Video.objects.filter(pk=video.pk).update(deleted_at=timezone.now())  # VOD had lost it
    with pytest.raises(CommandError, match=r"1 differences\. An operator must decide") as refusal:
        call_command("reconcile", "--grace=0", stdout=io.StringIO())
    assert "--heal" not in str(refusal.value)


def test_a_dry_run_with_drift_fails_and_names_the_heal_option(cloud: LocalVod) -> None:
    cloud.seed()
    with pytest.raises(CommandError, match=r"1 differences\. `manage\.py reconcile --heal` heals"):
        run("--dry-run")
    assert not Video.objects.exists()


def test_healing_succeeds_if_no_drift_is_left(cloud: LocalVod) -> None:
    cloud.seed()
    assert "0 videos here, 1 in VOD." in run("--heal")
    assert Video.objects.count() == 1


def test_examples_show_the_video_and_both_values(cloud: LocalVod) -> None:
    vod_id = cloud.seed(title="Old")
    call_command("sync_videos", stdout=io.StringIO())
    vod_gateway().update_info(vod_id, title="New")
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("reconcile", "--grace=0", "--verbose", stdout=out)
    assert f"{vod_id} here [title: Old], VOD [title: New]; left." in out.getvalue()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--dry-run", "--heal"], "Give either --dry-run or --heal"),
        (["--grace=-1"], "is not a number of seconds"),
        (["--wait=nan"], "is not a number of seconds"),
        (["--wait=1e400"], "is not a number of seconds"),
        (["--max-removals=-1"], "must not be negative"),
    ],
)
def test_invalid_options_are_refused_in_one_sentence(arguments: list[str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        call_command("reconcile", *arguments)
    assert not ReconcileRun.objects.exists()


def test_a_delivery_that_no_worker_sends_is_not_healed(cloud: LocalVod) -> None:
    make_lost_block(cloud)
    with pytest.raises(CommandError, match="1 differences remain, 1 of them under way"):
        run("--heal")
    work_until_idle(20, kinds=["create_audit", "reread_video"])
    run()


def test_the_command_waits_until_the_worker_has_healed(cloud: LocalVod) -> None:
    vod_id = make_lost_block(cloud)
    is_over = threading.Event()

    def work() -> None:
        while not is_over.is_set():
            work_once(["create_audit", "reread_video"])
            is_over.wait(0.05)
        connections.close_all()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        out = io.StringIO()
        call_command("reconcile", "--heal", "--grace=0", "--wait=60", "--json", stdout=out)
    finally:
        is_over.set()
        worker.join()
    counts = json.loads(out.getvalue())["counts"]
    assert counts == {"review": {"found": 1, "healed": 1, "under_way": 0, "left": 0}}
    assert cloud.state(vod_id)["video"]["status"] == "Blocked"


def make_lost_block(cloud: LocalVod) -> str:
    """Make a video whose block never reached VOD. Returns its VOD id."""
    vod_id = cloud.seed()
    call_command("sync_videos", stdout=io.StringIO())
    review_video(
        Video.objects.get(), DecisionInput(Decision.BLOCKED, Source.API, reason="violence")
    )
    Delivery.objects.update(state=DeliveryState.DONE, finished_at=timezone.now())
    return vod_id


def test_a_difference_must_last_to_count(cloud: LocalVod) -> None:
    """A sync removes the drift before the second comparison."""
    cloud.seed_many([{"title": "New"} for _ in range(25)])
    call_command("sync_videos", stdout=io.StringIO())
    Video.objects.update(title="Old")
    walk = reconcile.carry_out(reconcile.begin(is_heal=False), Options(grace_seconds=1))
    next(walk)
    call_command("sync_videos", "--full", stdout=io.StringIO())
    for _ in walk:
        pass
    assert ReconcileRun.objects.get().found_count == 0


# One run at a time.


def test_a_second_run_is_refused_while_one_is_running(cloud: LocalVod) -> None:
    cloud.catalogue(120)
    walk = reconcile.carry_out(reconcile.begin(is_heal=False), AT_ONCE)
    next(walk)
    with pytest.raises(CommandError, match="Another reconciliation is running since 20"):
        run()
    with pytest.raises(NotNow, match="Another reconciliation is running"):
        compare_daily()
    for _ in walk:
        pass
    assert ReconcileRun.objects.get().state == State.DONE


def test_a_run_whose_process_died_does_not_stop_the_next(cloud: LocalVod) -> None:
    cloud.catalogue(120)
    walk = reconcile.carry_out(reconcile.begin(is_heal=False), AT_ONCE)
    next(walk)
    ReconcileRun.objects.update(saved_at=timezone.now() - timedelta(minutes=11))
    run("--heal")
    lost, other = ReconcileRun.objects.order_by("id")
    assert (lost.state, lost.error) == (State.FAILED, "Its process ended before it did.")
    assert other.state == State.DONE
    with pytest.raises(Exception, match="Another process has taken this run over or ended it"):
        next(walk)
    lost.refresh_from_db()
    assert lost.state == State.FAILED


def test_closing_the_walk_fails_its_run(cloud: LocalVod) -> None:
    cloud.catalogue(120)
    walk = reconcile.carry_out(reconcile.begin(is_heal=False), AT_ONCE)
    next(walk)
    walk.close()
    run = ReconcileRun.objects.get()
    assert (run.state, run.error) == (State.FAILED, "It was interrupted.")


def test_an_outage_fails_the_run_but_throttling_does_not(cloud: LocalVod) -> None:
    cloud.seed()
    throttled: dict[str, Any] = {
        "operation": "SearchMedia", "kind": "error", "times": 1, "status": 400,
        "code": "Throttling.User",
    }  # fmt: skip
    cloud.faults(throttled)
    run("--heal")
    cloud.faults({"operation": "GetVideoInfos", "kind": "error", "status": 500, "code": "Internal"})
    cloud.seed()
    with pytest.raises(CommandError, match="Run the command again"):
        run("--heal")
    failed = ReconcileRun.objects.latest("id")
    assert failed.state == State.FAILED
    assert failed.error
    cloud.faults()
    run("--heal")
    assert Video.objects.count() == 2


# The worker.


def test_the_daily_reconciliation_does_not_heal(cloud: LocalVod) -> None:
    cloud.seed()
    call_command("sync_videos", stdout=io.StringIO())
    compare_daily()
    ended = ReconcileRun.objects.get()
    assert (ended.state, ended.is_heal, ended.found_count) == (State.DONE, False, 0)


def test_the_first_reconciliation_is_due_after_a_day(cloud: LocalVod) -> None:
    work_once()
    task = PeriodicTask.objects.get(name="videos.reconcile")
    assert task.due_at > timezone.now() + timedelta(hours=23)
    assert cloud.ledger("SearchMedia") == []


def test_a_killed_daily_reconciliation_is_repeated_soon(
    cloud: LocalVod,
) -> None:
    reconcile.begin(is_heal=False)  # then its process is killed
    work_once()
    task = PeriodicTask.objects.filter(name="videos.reconcile")
    task.update(due_at=timezone.now())
    work_until_idle(20)
    waiting = task.get()
    assert waiting.due_at < timezone.now() + timedelta(minutes=2)
    assert waiting.last_error.startswith("Another reconciliation is running")
    ReconcileRun.objects.update(saved_at=timezone.now() - timedelta(minutes=11))
    task.update(due_at=timezone.now())
    work_until_idle(20)
    lost, ended = ReconcileRun.objects.order_by("id")
    assert (lost.state, ended.state) == (State.FAILED, State.DONE)
    assert task.get().due_at > timezone.now() + timedelta(hours=23)


def test_a_request_whose_worker_was_killed_starts_again(
    cloud: LocalVod, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("videos.periodic.reconcile.REQUESTED", AT_ONCE)
    operator = make_operator()
    reconcile.request(is_heal=True, operator=operator)
    cloud.seed()
    assert reconcile.begin_requested()  # then its process is killed
    reconcile_requested()
    assert [run.state for run in ReconcileRun.objects.all()] == [State.RUNNING]
    lose_process()
    reconcile_requested()
    lost, ended = ReconcileRun.objects.order_by("id")
    assert (lost.state, lost.error) == (State.FAILED, "Its process ended before it did.")
    assert (ended.state, ended.is_heal, ended.requested_by) == (State.DONE, True, operator)
    assert Video.objects.count() == 1


def test_a_request_that_kills_its_workers_is_given_up(cloud: LocalVod) -> None:
    reconcile.request(is_heal=False, operator=make_operator())
    while reconcile.begin_requested():
        lose_process()
        reconcile.end_stale()
    assert [run.state for run in ReconcileRun.objects.all()] == [State.FAILED] * 4


def lose_process() -> None:
    ReconcileRun.objects.update(saved_at=timezone.now() - timedelta(minutes=11))


def test_only_the_latest_run_without_drift_is_kept(cloud: LocalVod) -> None:
    _carry_out(reconcile.begin(is_heal=False), AT_ONCE)
    cloud.seed()
    _carry_out(reconcile.begin(is_heal=False), AT_ONCE)
    _carry_out(reconcile.begin(is_heal=True), AT_ONCE)
    _carry_out(reconcile.begin(is_heal=False), AT_ONCE)
    _carry_out(reconcile.begin(is_heal=False), AT_ONCE)
    assert list(ReconcileRun.objects.order_by("id").values_list("found_count", flat=True)) == [
        1,
        1,
        0,
    ]


def test_an_operators_request_is_run_once(cloud: LocalVod) -> None:
    operator = make_operator()
    reconcile.request(is_heal=False, operator=operator)
    with pytest.raises(reconcile.AlreadyRunning, match="has been requested already"):
        reconcile.request(is_heal=True, operator=operator)
    reconcile_requested()
    reconcile_requested()
    ended = ReconcileRun.objects.get()
    assert (ended.state, ended.requested_by) == (State.DONE, operator)


def test_a_request_waits_for_the_running_reconciliation(cloud: LocalVod) -> None:
    other = reconcile.begin(is_heal=False)
    reconcile.request(is_heal=False, operator=make_operator())
    reconcile_requested()
    assert ReconcileRun.objects.filter(state=State.REQUESTED).exists()
    _carry_out(other, AT_ONCE)
    reconcile_requested()
    assert set(ReconcileRun.objects.values_list("state", flat=True)) == {State.DONE}
