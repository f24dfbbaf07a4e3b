"""Reconciliation of both sides: what is not drift, what is not deleted, and that all is found."""

import io
import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from shortvideo.cloud import retry, vod_gateway
from shortvideo.outbox.models import Delivery
from shortvideo.outbox.worker import work_until_idle
from tests.factories import make_file, make_video
from tests.support.localvod import LocalVod
from tests.videos.reconciling import decide, found, reconcile, synced, work
from videos.mirror.fetching import read_later
from videos.models import Decision, ReconcileRun, Video
from videos.reconcile import Options, carry_out
from videos.services import delete_video

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _no_long_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "PAUSES_SECONDS", (0.01, 0.01))


# Differences that are not drift.


def test_a_lagging_search_index_deletes_nothing(cloud: LocalVod) -> None:
    synced(cloud)
    body = json.dumps({"RequestId": "R", "Total": 0, "MediaList": []})
    cloud.faults({"operation": "SearchMedia", "kind": "body", "status": 200, "body": body})
    assert found(reconcile("--heal")) == {}
    assert Video.objects.visible().count() == 1


def test_a_difference_with_an_open_delivery_is_not_drift(cloud: LocalVod) -> None:
    blocked, deleted, other = (synced(cloud) for _ in range(3))
    decide(blocked, Decision.BLOCKED, reason="violence")
    delete_video(deleted)
    vod_gateway().update_info(other.vod_id, title="Renamed")
    read_later(other.vod_id)
    assert found(reconcile("--heal")) == {}
    assert cloud.ledger("CreateAudit") == cloud.ledger("DeleteVideo") == []


def test_a_block_that_can_be_undone_is_not_drift(cloud: LocalVod) -> None:
    decide(synced(cloud), Decision.BLOCKED, reason="violence")
    Delivery.objects.update(due_at=timezone.now() + timedelta(hours=1))
    assert found(reconcile("--heal")) == {}
    assert Delivery.objects.filter(kind="create_audit").count() == 1


def let_days_pass() -> None:
    """Make every open delivery two days old, as if the worker were dead."""
    days_ago = timezone.now() - timedelta(days=2)
    Delivery.objects.open().update(created_at=days_ago, due_at=days_ago)
    Video.objects.update(changed_at=days_ago)


@pytest.mark.parametrize("arguments", [[], ["--heal"]], ids=["compared", "healed"])
def test_a_delivery_that_is_open_for_days_is_drift(cloud: LocalVod, arguments: list[str]) -> None:
    blocked, deleted, other = (synced(cloud) for _ in range(3))
    decide(blocked, Decision.BLOCKED, reason="violence")
    delete_video(deleted)
    vod_gateway().update_info(other.vod_id, title="Renamed")
    read_later(other.vod_id)
    let_days_pass()
    read_later(blocked.vod_id)  # a new request does not make the block's delivery younger
    count = Delivery.objects.count()
    printed = reconcile(*arguments)
    one = {"found": 1, "healed": 0, "under_way": 1, "left": 0}
    assert printed["counts"] == {"facts": one, "review": one, "deletion": one}
    assert printed["left_count"] == 3
    [note] = [each["note"] for each in printed["examples"] if each["kind"] == "review"]
    assert note.startswith("create_audit has been open since 20")
    assert Delivery.objects.count() == count
    work()
    assert found(reconcile()) == {}


def test_a_delivery_that_is_open_for_days_fails_the_command(cloud: LocalVod) -> None:
    decide(synced(cloud), Decision.BLOCKED, reason="violence")
    let_days_pass()
    with pytest.raises(CommandError, match="1 differences remain, 1 of them under way"):
        call_command("reconcile", "--grace=0", stdout=io.StringIO())


def test_a_row_that_changes_during_the_walk_is_not_drift(cloud: LocalVod) -> None:
    video = synced(cloud)
    vod_gateway().update_info(video.vod_id, title="Renamed")
    Video.objects.update(changed_at=timezone.now() + timedelta(seconds=30))
    assert found(reconcile("--heal")) == {}


def test_a_refused_deletion_is_not_drift(cloud: LocalVod) -> None:
    video = synced(cloud)
    delete_video(video)
    cloud.faults({"operation": "DeleteVideo", "kind": "error", "status": 403, "code": "Forbidden"})
    work_until_idle(20, kinds=["delete_video"])
    assert Video.objects.visible().filter(pk=video.pk).exists()
    assert found(reconcile()) == {}


def test_unread_files_of_old_stock_are_not_drift(cloud: LocalVod) -> None:
    cloud.seed_many([{"creation_time": "2026-01-01T00:00:00Z"} for _ in range(3)])
    call_command("sync_videos", stdout=io.StringIO())
    assert found(reconcile()) == {}
    assert cloud.ledger("GetPlayInfo") == []
    assert found(reconcile("--files")) == {}
    Video.objects.filter(pk=(other := Video.objects.latest("pk")).pk).update(
        files=[make_file("media.example.com/other.mp4")], files_read_at=timezone.now()
    )
    Video.objects.update(changed_at=timezone.now() - timedelta(hours=1))
    printed = reconcile("--files")
    assert found(printed) == {"files": 1}
    assert printed["examples"][0]["vod_id"] == other.vod_id
    reconcile("--files", "--heal")
    assert not Video.objects.filter(files_read_at=None).exists()


def test_the_first_reconciliation_takes_old_stock_as_vod_has_it(cloud: LocalVod) -> None:
    cloud.seed_many([{"status": status} for status in ("Normal", "Blocked", "Checking")])
    assert reconcile("--heal")["counts"]["missing_here"]["healed"] == 3
    assert cloud.ledger("GetAuditHistory") == cloud.ledger("GetPlayInfo") == []
    assert found(reconcile()) == {}


# Deletions are final.


def test_nothing_is_deleted_here_if_too_much_is_missing_in_vod(cloud: LocalVod) -> None:
    call_command("sync_videos", stdout=io.StringIO())
    for number in range(12):
        make_video(vod_id=f"of-another-account-{number}")
    printed = reconcile("--heal")
    assert printed["counts"]["missing_there"]["left"] == 12
    assert "is this the right account?" in printed["examples"][0]["note"]
    assert Video.objects.visible().count() == 12
    assert reconcile("--heal", "--max-removals=12")["left_count"] == 0
    assert not Video.objects.visible().exists()


@pytest.mark.parametrize(
    ("there_count", "problem"),
    [(0, "VOD lists no video at all"), (1, "More than half are missing in VOD")],
)
def test_a_small_catalogue_survives_a_wrong_account(
    cloud: LocalVod, there_count: int, problem: str
) -> None:
    for _ in range(there_count):
        synced(cloud)
    for number in range(2):
        make_video(vod_id=f"of-another-account-{number}")
    printed = reconcile("--heal")
    assert printed["counts"]["missing_there"]["left"] == 2
    assert printed["examples"][0]["note"] == (
        f"{problem}: is this the right account? --max-removals=2 removes them."
    )
    assert Video.objects.visible().count() == 2 + there_count
    reconcile("--heal", "--max-removals=2")
    assert Video.objects.visible().count() == there_count


@pytest.mark.parametrize("status", [403, 200])
def test_a_refused_or_unreadable_second_reading_deletes_nothing(
    cloud: LocalVod, status: int
) -> None:
    kept, gone = synced(cloud), synced(cloud)
    vod_gateway().delete([gone.vod_id])
    fault = {"operation": "GetVideoInfos", "skip": 1, "status": status}
    if status == 403:
        cloud.faults({**fault, "kind": "error", "code": "Forbidden"})
    else:
        row = {"VideoId": gone.vod_id}
        body = json.dumps({"RequestId": "R", "VideoList": [row]})
        cloud.faults({**fault, "kind": "body", "body": body})
    assert found(reconcile("--heal")) == {"unreadable": 1}
    assert Video.objects.visible().filter(pk__in=[kept.pk, gone.pk]).count() == 2
    cloud.faults()
    assert reconcile("--heal")["counts"]["missing_there"]["healed"] == 1


# The walk over both sides.


def test_many_videos_of_one_second_are_no_false_drift(cloud: LocalVod) -> None:
    cloud.seed_many([{"creation_time": "2026-01-01T00:00:00Z"} for _ in range(210)])
    call_command("sync_videos", stdout=io.StringIO())
    printed = reconcile()
    assert (printed["here_count"], printed["there_count"], printed["counts"]) == (210, 210, {})
    infos = len(cloud.ledger("GetVideoInfos"))
    daily = ReconcileRun.objects.create()
    list(carry_out(daily, Options(is_every_detail=False, grace_seconds=0)))
    assert daily.found_count == 0
    assert len(cloud.ledger("GetVideoInfos")) == infos, "no video is read again"


def test_a_restarted_walk_counts_each_video_once(cloud: LocalVod) -> None:
    cloud.catalogue(220)
    cloud.faults(
        {
            "operation": "SearchMedia", "kind": "error", "times": 1, "skip": 2, "status": 400,
            "code": "InvalidScrollToken.Expired",
        }
    )  # fmt: skip
    printed = reconcile("--heal")
    assert printed["there_count"] == 220
    assert printed["counts"]["missing_here"]["healed"] == 220
    assert Video.objects.count() == 220


def test_single_missing_videos_are_found_anywhere_in_the_order(cloud: LocalVod) -> None:
    cloud.catalogue(220)
    call_command("sync_videos", stdout=io.StringIO())
    rows = list(Video.objects.order_by("creation_time"))
    absent = [rows[index] for index in (0, 99, 100, 101, 200, 219)]
    Video.objects.filter(pk__in=[video.pk for video in absent]).delete()
    gone = [rows[index].vod_id for index in (1, 98, 102, 199, 201, 218)]
    vod_gateway().delete(gone)
    printed = reconcile()
    assert found(printed) == {"missing_here": 6, "missing_there": 6}
    named = {(one["kind"], one["vod_id"]) for one in printed["examples"]}
    assert named == {
        *(("missing_here", video.vod_id) for video in absent),
        *(("missing_there", vod_id) for vod_id in gone),
    }
