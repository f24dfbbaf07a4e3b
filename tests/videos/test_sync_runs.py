"""Runs of sync: one process each, done only when all is read, not stopped by a bad row."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from shortvideo.cloud import CloudUnavailable, retry
from tests.support.localvod import LocalVod
from videos import periodic, sync
from videos.models import SyncRun, Video

pytestmark = pytest.mark.django_db(transaction=True)

EXPIRED: dict[str, Any] = {
    "operation": "SearchMedia", "kind": "error", "times": 1, "status": 400,
    "code": "InvalidScrollToken.Expired",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "PAUSES_SECONDS", (0.01,))


def seed_in_one_second(cloud: LocalVod, count: int) -> None:
    cloud.seed_many([{"creation_time": "2026-01-01T00:00:00Z"} for _ in range(count)])


def test_a_run_that_is_taken_over_stops_its_first_process(cloud: LocalVod) -> None:
    cloud.catalogue(350)
    first = sync.resume_or_start(is_full=True)
    walk = sync.walk(first)
    next(walk)
    second = sync.resume_or_start(is_full=True)
    assert second.pk == first.pk
    other_walk = sync.walk(second)
    next(other_walk)
    with pytest.raises(sync.TakenOver, match="Another process has taken this run over"):
        list(walk)
    for _ in other_walk:
        pass
    run = SyncRun.objects.get()
    assert (run.state, run.error) == (SyncRun.State.DONE, "")
    assert Video.objects.count() == 350


def test_the_worker_does_not_take_over_an_active_run(cloud: LocalVod) -> None:
    call_command("sync_videos", "--full")
    cloud.seed_many([{} for _ in range(150)])
    walk = sync.walk(sync.resume_or_start())
    next(walk)
    calls = len(cloud.ledger("SearchMedia"))
    periodic.sync_changes()
    assert len(cloud.ledger("SearchMedia")) == calls
    SyncRun.objects.update(saved_at=timezone.now() - timedelta(hours=1))  # its process was killed
    periodic.sync_changes()
    assert not SyncRun.objects.exclude(state=SyncRun.State.DONE).exists()


def test_an_expired_token_loses_no_video_of_the_same_second(cloud: LocalVod) -> None:
    seed_in_one_second(cloud, 250)
    cloud.faults({**EXPIRED, "skip": 1})
    call_command("sync_videos", "--full")
    assert Video.objects.count() == 250
    assert SyncRun.objects.get().state == SyncRun.State.DONE


def test_two_expired_tokens_lose_no_video_of_the_same_second(cloud: LocalVod) -> None:
    seed_in_one_second(cloud, 350)
    # The second fault counts only calls that the first lets pass: the first and the third call.
    cloud.faults({**EXPIRED, "skip": 1}, {**EXPIRED, "skip": 2})
    call_command("sync_videos", "--full")
    assert Video.objects.count() == 350


def make_page_fault(total: int, *rows: Any) -> dict[str, Any]:
    body = {"RequestId": "R", "Total": total, "MediaList": list(rows)}
    return {"operation": "SearchMedia", "kind": "body", "status": 200, "body": json.dumps(body)}


def test_a_list_that_ends_early_fails_the_run(cloud: LocalVod) -> None:
    cloud.faults(make_page_fault(5))
    with pytest.raises(CloudUnavailable, match="VOD listed 0 of 5 videos"):
        list(sync.walk(sync.resume_or_start(is_full=True)))
    assert SyncRun.objects.get().state == SyncRun.State.FAILED


def test_an_unreadable_row_is_counted_and_stops_no_sync(cloud: LocalVod) -> None:
    cloud.faults(make_page_fault(2, {"MediaId": "x"}, {"Video": {"VideoId": "y", "Size": "?"}}))
    with pytest.raises(CommandError, match="2 videos could not be read"):
        call_command("sync_videos", "--full")
    run = SyncRun.objects.get()
    assert (run.state, run.seen_count, run.failed_count) == (SyncRun.State.DONE, 2, 2)


def test_a_video_with_unreadable_facts_stops_no_other(cloud: LocalVod) -> None:
    bad, good = cloud.seed(), cloud.seed(title="good")
    row = {"VideoId": good, "Title": "good", "Status": "Normal"}
    body = {"RequestId": "R", "VideoList": [{"VideoId": bad}, row]}
    cloud.faults(
        {"operation": "GetVideoInfos", "kind": "body", "status": 200, "body": json.dumps(body)}
    )
    with pytest.raises(CommandError, match="1 videos could not be read"):
        call_command("sync_videos", "--full")
    assert Video.objects.get().vod_id == good
    with pytest.raises(CommandError, match=f"{bad}: VOD's answer about it is not understood"):
        call_command("sync_videos", bad, good)
