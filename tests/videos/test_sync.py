"""Sync: reads VOD's catalogue page by page, resumes after any failure, makes no duplicates."""

import io
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from accounts.models import Uploader
from shortvideo.cloud import CloudUnavailable, retry, vod_gateway
from shortvideo.outbox.models import Delivery
from shortvideo.outbox.worker import work_until_idle
from tests.factories import make_video
from tests.support.localvod import LocalVod, wait_until
from tests.videos.support import state_of
from videos import periodic, sync
from videos.models import (
    CensorStatus,
    Decision,
    ReviewTask,
    Source,
    SyncRun,
    TaskCause,
    TranscodeKind,
    Video,
)
from videos.services import DecisionInput, delete_video, review_video, submit_transcode

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[2]
UPLOADER = {"userId": "u-1", "userName": "Mei", "avatarUrl": ""}


@pytest.fixture(autouse=True)
def _no_long_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "PAUSES_SECONDS", (0.01, 0.01))


def run(*arguments: str) -> str:
    """Run the command. Returns its stdout."""
    out = io.StringIO()
    call_command("sync_videos", *arguments, stdout=out)
    return out.getvalue().strip()


def everything() -> list[dict[str, Any]]:
    return [dict(row) for row in Video.objects.order_by("pk").values()]


def test_a_first_sync_creates_every_video_with_its_uploader(cloud: LocalVod) -> None:
    ids = [cloud.seed(uploader=UPLOADER) for _ in range(45)]
    assert run() == "45 seen, 45 new, 0 changed, 0 unchanged, 0 failed."
    assert set(Video.objects.values_list("vod_id", flat=True)) == set(ids)
    assert Uploader.objects.get().user_name == "Mei"
    assert set(Video.objects.values_list("uploader__user_id", flat=True)) == {"u-1"}
    assert len(cloud.ledger("GetVideoInfos")) == 3, "uploaders are read by 20"
    assert SyncRun.objects.get().state == SyncRun.State.DONE


def test_a_second_sync_writes_only_its_run(cloud: LocalVod) -> None:
    cloud.seed_many([{"uploader": UPLOADER, "status": s} for s in ("Normal", "Checking") * 15])
    run("--full")
    before = everything()
    cloud_calls = len(cloud.ledger("GetVideoInfos"))
    assert run("--full") == "30 seen, 0 new, 0 changed, 30 unchanged, 0 failed."
    assert run() == "30 seen, 0 new, 0 changed, 30 unchanged, 0 failed."
    assert everything() == before
    assert len(cloud.ledger("GetVideoInfos")) == cloud_calls
    assert not Delivery.objects.exists()


def test_an_incremental_sync_reads_only_newer_changes(cloud: LocalVod) -> None:
    long_ago = "2026-01-01T00:00:00Z"
    old = cloud.seed_many([{"creation_time": long_ago, "title": "old"} for _ in range(5)])
    run()
    vod_gateway().update_info(old[0], title="renamed")
    cloud.seed(title="fresh")
    assert run() == "2 seen, 1 new, 1 changed, 0 unchanged, 0 failed."
    assert Video.objects.get(vod_id=old[0]).title == "renamed"


def test_a_first_import_opens_no_review_tasks(cloud: LocalVod, settings: Settings) -> None:
    settings.REVIEW_NORMAL = "queue"
    earlier = "2026-01-01T00:00:00Z"
    cloud.seed_many([{"creation_time": earlier, "status": s} for s in ("Normal", "Blocked")])
    run()
    assert set(Video.objects.values_list("censor_status", flat=True)) == {"success", "fail"}
    assert not ReviewTask.objects.exists()
    assert cloud.ledger("GetAuditHistory") == []
    cloud.seed(status="Normal")
    run()
    assert ReviewTask.objects.open().get().cause == TaskCause.NEW


def test_since_reads_only_videos_created_since_then(cloud: LocalVod) -> None:
    cloud.seed(creation_time="2026-01-01T00:00:00Z")
    new = cloud.seed(creation_time="2026-02-01T00:00:00Z")
    assert run("--since", "2026-01-15").startswith("1 seen, 1 new")
    assert Video.objects.get().vod_id == new


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "2026-02-30T00:00:00", ""])
def test_an_invalid_moment_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(CommandError, match="is not a date or time such as"):
        run("--since", text)


def test_ids_and_a_range_together_are_refused() -> None:
    with pytest.raises(CommandError, match="Give either ids, or --full or --since"):
        run("--full", "abc")


def test_a_dry_run_counts_and_writes_nothing(cloud: LocalVod) -> None:
    known = cloud.seed(uploader=UPLOADER)
    run()
    vod_gateway().update_info(known, title="renamed")
    cloud.seed_many([{"uploader": {"userId": "u-2"}} for _ in range(3)])
    before, runs = everything(), SyncRun.objects.count()
    assert run("--dry-run", "--full") == "4 seen, 3 new, 1 changed, 0 unchanged, 0 failed."
    assert run("--dry-run", known) == "1 seen, 0 new, 1 changed, 0 unchanged, 0 failed."
    assert everything() == before
    assert SyncRun.objects.count() == runs
    assert Uploader.objects.count() == 1
    assert not Delivery.objects.exists()


def test_single_videos_are_read_in_full(cloud: LocalVod) -> None:
    vod_id = cloud.seed(status="Checking", verdict="review", uploader=UPLOADER)
    assert run(vod_id) == "1 seen, 1 new, 0 changed, 0 unchanged, 0 failed."
    video = Video.objects.get()
    assert video.files
    assert video.censor_status == CensorStatus.CHECK
    before = state_of(video)
    assert run(vod_id) == "1 seen, 0 new, 0 changed, 1 unchanged, 0 failed."
    assert state_of(video) == before


def test_an_id_unknown_to_vod_fails_and_stops_no_other(cloud: LocalVod) -> None:
    vod_id = cloud.seed()
    with pytest.raises(CommandError, match="unknown: VOD does not have it"):
        run(vod_id, "unknown")
    assert Video.objects.get().vod_id == vod_id


def test_a_sync_does_not_undelete_a_deleted_video(cloud: LocalVod) -> None:
    vod_id = cloud.seed()
    run()
    delete_video(Video.objects.get())
    vod_gateway().update_info(vod_id, title="still there")
    assert run("--full") == "1 seen, 0 new, 0 changed, 1 unchanged, 0 failed."
    assert not Video.objects.visible().exists()


def test_a_sync_finds_a_decision_whose_event_was_lost(cloud: LocalVod) -> None:
    vod_id = cloud.seed(status="Checking")
    run()
    cloud.audit_in_console(vod_id, "Blocked", "nudity", auditor="Li")
    run()
    video = Video.objects.get()
    assert video.censor_status == CensorStatus.FAIL
    assert video.decisions.get().auditor == "Li"


def test_our_decision_overrules_a_different_status_in_vod(
    cloud: LocalVod,
) -> None:
    vod_id = cloud.seed(status="Checking")
    run()
    video = Video.objects.get(vod_id=vod_id)
    old = review_video(video, DecisionInput(Decision.NORMAL, Source.ADMIN))
    work_until_idle(20)
    review_video(video, DecisionInput(Decision.BLOCKED, Source.ADMIN, reason="violence"))
    work_until_idle(20)
    # The first call arrives again after the second, as from a worker that was frozen in the call.
    from videos.services.standing import as_audit

    vod_gateway().create_audit([as_audit(old)])
    run("--full")
    work_until_idle(20)
    assert [status for _, status, _ in cloud.audits()] == ["Normal", "Blocked", "Normal", "Blocked"]
    video.refresh_from_db()
    assert video.censor_status == CensorStatus.FAIL


def test_a_failed_sync_is_resumed_by_the_next_run(cloud: LocalVod) -> None:
    cloud.catalogue(350)
    run_of = sync.resume_or_start(is_full=True)
    walk = sync.walk(run_of)
    assert [next(walk), next(walk)] == [100, 100]
    cloud.faults({"operation": "SearchMedia", "kind": "error"})
    with pytest.raises(CloudUnavailable):
        next(walk)
    failed = SyncRun.objects.get()
    assert (failed.state, failed.seen_count) == (SyncRun.State.FAILED, 200)
    assert failed.error
    cloud.faults()
    run("--full")
    assert SyncRun.objects.count() == 1
    assert SyncRun.objects.get().state == SyncRun.State.DONE
    assert Video.objects.count() == 350


def test_an_unavailable_vod_ends_the_command_with_one_sentence(cloud: LocalVod) -> None:
    cloud.faults({"operation": "SearchMedia", "kind": "error"})
    with pytest.raises(CommandError, match="Run the command again to resume"):
        run()


def test_an_expired_token_does_not_fail_the_sync(cloud: LocalVod) -> None:
    cloud.catalogue(350)
    cloud.faults(
        {
            "operation": "SearchMedia", "kind": "error", "skip": 2, "times": 1, "status": 400,
            "code": "InvalidScrollToken.Expired",
        },
    )  # fmt: skip
    run("--full")
    assert Video.objects.count() == 350


def test_a_sync_of_6000_videos_survives_kills(cloud: LocalVod, settings: Settings) -> None:
    cloud.catalogue(6_000)
    for target in (600, 3_000):
        process = start_command("--full")
        wait_until(lambda: Video.objects.count() >= target, seconds=300)  # noqa: B023 - called at once
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert 3_000 <= Video.objects.count() < 6_000
    ended = start_command("--full")
    out, _ = ended.communicate(timeout=300)
    assert ended.returncode == 0, out
    ids = list(Video.objects.values_list("vod_id", flat=True))
    assert len(ids) == len(set(ids)) == 6_000
    run_of = SyncRun.objects.get()
    assert (run_of.state, run_of.expected_count >= 6_000) == (SyncRun.State.DONE, True)
    before = list(Video.objects.order_by("pk").values_list("pk", "read_at", "changed_at"))
    assert run("--full") == "6000 seen, 0 new, 0 changed, 6000 unchanged, 0 failed."
    assert list(Video.objects.order_by("pk").values_list("pk", "read_at", "changed_at")) == before


def start_command(*arguments: str) -> subprocess.Popen[str]:
    """Start `manage.py sync_videos` as its own process, on the test's database and localvod."""
    from django.conf import settings

    return subprocess.Popen(
        [sys.executable, "manage.py", "sync_videos", *arguments],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.videos.command_settings",
            "COMMAND_DATABASE": str(connection.settings_dict["NAME"]),
            "COMMAND_VOD": settings.VOD_ENDPOINT,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_a_transcoding_job_whose_event_was_lost_is_found(cloud: LocalVod) -> None:
    vod_id = cloud.seed()
    run(vod_id)
    submit_transcode(Video.objects.get(), kind=TranscodeKind.NARROWBAND)
    work_until_idle(20)
    out = io.StringIO()
    call_command("sync_transcodes", stdout=out)
    assert out.getvalue().strip() == "1 seen, 0 new, 1 changed, 0 unchanged, 0 failed."
    assert Video.objects.get().narrow_transcode_status == "success"


def make_overdue_video(vod_id: str, **values: Any) -> Video:
    long_ago = timezone.now() - timedelta(hours=2)
    return make_video(
        vod_id=vod_id, **{
            "status": "Checking", "size": 1_500_000, "censor_status": CensorStatus.ON_CENSOR,
            "censor_changed_at": long_ago, "source_uploaded_at": long_ago, **values,
        },
    )  # fmt: skip


def test_a_verdict_whose_event_was_lost_is_read(cloud: LocalVod) -> None:
    video = make_overdue_video(cloud.seed(status="Checking", verdict="block"))
    periodic.sweep_pending()
    video.refresh_from_db()
    assert video.censor_status == CensorStatus.FAIL


def test_a_video_without_a_verdict_goes_to_a_person(cloud: LocalVod) -> None:
    video = make_overdue_video(cloud.seed(status="Checking"))
    periodic.sweep_pending()
    video.refresh_from_db()
    assert video.censor_status == CensorStatus.CHECK
    assert ReviewTask.objects.open().get().cause == TaskCause.MACHINE_FAILED
    run()
    video.refresh_from_db()
    assert video.censor_status == CensorStatus.CHECK, "a sync does not send it back"


@pytest.mark.parametrize(
    "values", [{"status": "Uploading"}, {"source_uploaded_at": datetime(2999, 1, 1, tzinfo=UTC)}]
)
def test_a_recently_uploaded_video_still_waits_for_a_verdict(
    cloud: LocalVod, values: dict[str, Any]
) -> None:
    video = make_overdue_video(cloud.seed(status="Checking"), **values)
    periodic.sweep_pending()
    video.refresh_from_db()
    assert video.censor_status == CensorStatus.ON_CENSOR


def test_the_worker_reads_changes_after_the_first_sync(cloud: LocalVod) -> None:
    cloud.seed()
    periodic.sync_changes()
    assert not Video.objects.exists()
    run()
    cloud.seed()
    for _ in range(3):
        periodic.sync_changes()
    assert Video.objects.count() == 2
    incremental = SyncRun.objects.filter(kind=SyncRun.Kind.INCREMENTAL)
    assert incremental.count() == 2, "of the runs without changes only the latest is kept"


def test_files_of_a_video_found_by_a_sync_are_read_later(cloud: LocalVod) -> None:
    run()
    cloud.seed()
    run()
    assert Video.objects.get().files == []
    work_until_idle(20)
    assert Video.objects.get().files
