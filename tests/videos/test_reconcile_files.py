"""Files are compared a share at a time; files with drift each time, until they are healed."""

import io
from dataclasses import replace

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings

from shortvideo.cloud import vod_gateway
from shortvideo.outbox import services as outbox
from shortvideo.outbox.models import Delivery
from tests.factories import make_file
from tests.support.localvod import LocalVod
from tests.videos.reconciling import decide, synced, work
from videos import reconcile
from videos.models import Decision, ReconcileRun, Video
from videos.periodic.reconcile import _carry_out, compare_daily
from videos.reconcile import Options

pytestmark = pytest.mark.django_db(transaction=True)

AT_ONCE = Options(grace_seconds=0, wait_seconds=0)


def run(*arguments: str) -> None:
    call_command("reconcile", "--grace=0", "--wait=0", *arguments, stdout=io.StringIO())


def test_the_files_of_all_videos_are_compared_in_turn(cloud: LocalVod) -> None:
    ids = [synced(cloud).vod_id for _ in range(4)]

    def asked() -> list[int]:
        return [len(cloud.ledger("GetPlayInfo", video_id=vod_id)) for vod_id in ids]

    before = asked()
    for _ in range(2):
        _carry_out(reconcile.begin(is_heal=False), replace(AT_ONCE, file_share=2))
        _carry_out(reconcile.begin(is_heal=True), AT_ONCE)  # compares no share
    assert asked() == [count + 1 for count in before]


def test_a_share_whose_reconciliation_failed_is_compared_again(cloud: LocalVod) -> None:
    ids = [synced(cloud).vod_id for _ in range(4)]
    before = len(cloud.ledger("GetPlayInfo"))
    for _ in range(2):
        walk = reconcile.carry_out(reconcile.begin(is_heal=False), replace(AT_ONCE, file_share=2))
        next(walk)
        walk.close()
    assert len(cloud.ledger("GetPlayInfo")) == before
    for _ in range(2):
        _carry_out(reconcile.begin(is_heal=False), replace(AT_ONCE, file_share=2))
    assert len(cloud.ledger("GetPlayInfo")) == before + len(ids)


def test_the_daily_reconciliation_finds_files_that_differ(
    cloud: LocalVod, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.RECONCILE_FILE_SHARE = 1
    monkeypatch.setattr("videos.periodic.reconcile.GRACE_SECONDS", 0.0)
    corrupt_files(synced(cloud))
    compare_daily()
    assert list(ReconcileRun.objects.get().counts) == ["files"]


def corrupt_files(video: Video) -> None:
    other = [*video.files, make_file("media.example.com/other.mp4")]
    Video.objects.filter(pk=video.pk).update(files=other)


def has_alarm() -> bool:
    return ReconcileRun.objects.needing_attention().exists()


def test_drift_of_files_is_compared_until_it_is_healed(
    cloud: LocalVod, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The daily reconciliation finds the drift in its share; healing needs no share."""
    settings.RECONCILE_FILE_SHARE = 1
    monkeypatch.setattr("videos.periodic.reconcile.GRACE_SECONDS", 0.0)
    video, good = synced(cloud), synced(cloud)
    true = video.files
    corrupt_files(video)
    compare_daily()
    settings.RECONCILE_FILE_SHARE = 0
    before = len(cloud.ledger("GetPlayInfo", video_id=good.vod_id))
    compare_daily()  # compares no share and clears nothing
    assert [run.counts["files"]["left"] for run in ReconcileRun.objects.order_by("id")] == [1, 1]
    assert has_alarm()
    _carry_out(reconcile.begin(is_heal=True), AT_ONCE)  # as the desk's "Compare and repair"
    healed = ReconcileRun.objects.latest("id")
    assert healed.counts == {"files": {"found": 1, "healed": 1, "under_way": 0, "left": 0}}
    assert not has_alarm()
    video.refresh_from_db()
    assert video.files == true
    assert len(cloud.ledger("GetPlayInfo", video_id=good.vod_id)) == before
    compare_daily()
    assert ReconcileRun.objects.latest("id").found_count == 0


def test_drift_of_files_stays_an_alarm_during_a_delivery(cloud: LocalVod) -> None:
    video = synced(cloud)
    corrupt_files(video)
    with pytest.raises(CommandError):
        run("--files")
    with transaction.atomic():
        outbox.send("create_audit", subject=video.vod_id, payload={"decision": 0})
    _carry_out(reconcile.begin(is_heal=True), AT_ONCE)
    assert ReconcileRun.objects.latest("id").found_count == 0
    assert has_alarm()
    Delivery.objects.all().delete()
    _carry_out(reconcile.begin(is_heal=True), AT_ONCE)
    assert not has_alarm()


def test_files_of_a_deleted_video_are_no_alarm(cloud: LocalVod) -> None:
    video = synced(cloud)
    corrupt_files(video)
    with pytest.raises(CommandError):
        run("--files")
    vod_gateway().delete([video.vod_id])
    Video.objects.filter(pk=video.pk).update(deleted_at=timezone.now())
    _carry_out(reconcile.begin(is_heal=False), AT_ONCE)
    assert not has_alarm()


def test_drift_of_a_blocked_videos_files_is_not_forgotten(cloud: LocalVod) -> None:
    video = synced(cloud)
    corrupt_files(video)
    with pytest.raises(CommandError):
        run("--files")
    decide(video, Decision.BLOCKED, reason="violence")
    work()
    before = len(cloud.ledger("GetPlayInfo", video_id=video.vod_id))
    _carry_out(reconcile.begin(is_heal=True), AT_ONCE)
    meanwhile = ReconcileRun.objects.latest("id")
    assert "files" not in meanwhile.counts
    assert meanwhile.open_files == [video.vod_id]
    assert len(cloud.ledger("GetPlayInfo", video_id=video.vod_id)) == before
    decide(video, Decision.NORMAL)
    work()
    corrupt_files(video)
    _carry_out(reconcile.begin(is_heal=True), AT_ONCE)
    assert ReconcileRun.objects.latest("id").counts["files"]["healed"] == 1
    assert not has_alarm()


def test_the_command_names_the_option_that_heals_files(cloud: LocalVod) -> None:
    corrupt_files(synced(cloud))
    with pytest.raises(CommandError, match=r"`manage\.py reconcile --files --heal` heals them"):
        run("--files")
    run("--heal")
    run("--files")
