"""A backup made while the console is in use, restored into an empty installation."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, connections
from django.utils import timezone
from pytest_django.fixtures import Settings

from shortvideo.outbox import leases
from shortvideo.outbox.worker import work_once, work_until_idle
from shortvideo.webhooks.models import Event, EventType
from tests.data.installation import back_up, manage, raise_counters, restore
from tests.factories import make_operator
from tests.support.localvod import LocalVod, wait_until
from tests.videos.takedowns import PIXEL, published
from tests.webhooks.support import make_endpoint
from videos.models import Decision, Evidence, ReviewDecision, Source, Takedown, Video
from videos.services import DecisionInput, delete_video, prefetch, review_video

pytestmark = pytest.mark.django_db(transaction=True)

LOG = ReviewDecision._meta.db_table


def decide(video: Video, decision: Decision = Decision.BLOCKED) -> ReviewDecision:
    return review_video(
        video, DecisionInput(decision, Source.API, reason="violence", operator=make_operator())
    )


@pytest.fixture
def in_use(cloud: LocalVod, settings: Settings) -> list[Video]:
    """An installation with finished and unfinished work. Returns videos without a decision."""
    settings.OUTBOX_LEASE_SECONDS = 2
    cloud.seed_many([{"status": "Normal", "title": f"Clip {number}"} for number in range(10)])
    call_command("sync_videos", verbosity=0)
    videos = list(Video.objects.order_by("id"))
    with_media = published(cloud)
    decide(videos[0])
    decide(videos[1], Decision.NORMAL)
    delete_video(videos[2])
    work_until_idle(60)
    decide(with_media)
    work_once(["create_audit"])
    work_once(["archive_evidence"])  # its URLs are not purged yet
    decide(videos[3])
    decide(videos[4])
    delete_video(videos[5])
    prefetch([f"{cloud.endpoint}/{videos[6].vod_id}/clip.mp4"], video=videos[6])
    assert leases.claim("create_audit", limit=1, now=timezone.now())  # this worker dies now
    return videos[7:]


@contextmanager
def writing(videos: list[Video]) -> Iterator[None]:
    """In a thread, decide on the videos again and again until the block ends."""
    is_over, count = threading.Event(), 0

    def write() -> None:
        nonlocal count
        try:
            while not is_over.is_set():
                decision = (Decision.BLOCKED, Decision.NORMAL)[count // len(videos) % 2]
                decide(videos[count % len(videos)], decision)
                count += 1
        finally:
            connections.close_all()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        wait_until(lambda: count > 2, 60)
        yield
        seen = count
        wait_until(lambda: count > seen, 60)  # the writer is not locked out
    finally:
        is_over.set()
        writer.join()


def rows(alias: str, statement: str) -> list[tuple[Any, ...]]:
    with connections[alias].cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def test_a_restored_backup_continues_without_drift(
    cloud: LocalVod, in_use: list[Video], empty_database: str, scratch: str, tmp_path: Path
) -> None:
    with writing(in_use):
        backup = back_up(tmp_path)
        evidence = shutil.copytree(storages["evidence"].path(""), tmp_path / "evidence")
    restore(backup, empty_database)
    log = f"SELECT id, video_id, decision, delivery_id FROM {LOG} ORDER BY id"
    logged, whole_log = rows(scratch, log), rows("default", log)
    assert logged == whole_log[: len(logged)]  # the backup is a snapshot without gaps
    assert 6 < len(logged) < len(whole_log)
    assert under_way(scratch) >= {("create_audit",), ("delete_video",), ("push_object_cache",)}
    connections[scratch].close()
    manage(
        empty_database,
        evidence,
        cloud.endpoint,
        "migrate",
        "sync_videos --full",
        "work --until-idle --timeout 60",
        "sync_videos",
        "work --until-idle --timeout 60",
        "reconcile --grace 0",
    )
    # The recheck of the dead worker's call is due later.
    assert under_way(scratch) <= {("reread_video",)}
    for video in Video.objects.using(scratch).closed():
        assert video.takedowns.latest("id").state == Takedown.State.VERIFIED
    assert not Takedown.objects.using(scratch).filter(state__in=Takedown.UNFINISHED).exists()
    archived = Evidence.objects.using(scratch).exclude(files=[]).get()
    assert len(archived.files) == 3
    for file in archived.files:
        assert (evidence / file["name"]).read_bytes().startswith(PIXEL)
    for video in Video.objects.order_by("id")[3:5]:
        assert cloud.state(video.vod_id)["video"]["status"] == "Blocked"
    for statement in (f"UPDATE {LOG} SET reason = 'none'", f"DELETE FROM {LOG}"):
        with pytest.raises(DatabaseError, match="append-only"):
            rows(scratch, statement)


def test_a_block_in_vod_wins_over_an_approval_in_the_backup(
    cloud: LocalVod, empty_database: str, scratch: str, tmp_path: Path
) -> None:
    cloud.seed_many([{"status": "Normal", "title": "Clip"}])
    call_command("sync_videos", verbosity=0)
    video = Video.objects.get()
    decide(video, Decision.NORMAL)
    backup = back_up(tmp_path)  # the approval is not sent yet
    work_until_idle(60)
    lost = decide(video, Decision.BLOCKED)
    work_until_idle(60)
    restore(backup, empty_database)
    manage(
        empty_database,
        tmp_path,
        cloud.endpoint,
        "migrate",
        "sync_videos --full",
        "work --until-idle --timeout 60",
        "reconcile --grace 0",
    )
    assert cloud.state(video.vod_id)["video"]["status"] == "Blocked"
    log = rows(scratch, f"SELECT source, decision, reason, comment FROM {LOG} ORDER BY id")
    assert log[1:] == [(Source.VOD, Decision.BLOCKED, "violence", lost.mark)]


def test_events_and_decisions_after_a_restore_have_new_numbers(
    cloud: LocalVod, empty_database: str, scratch: str, tmp_path: Path
) -> None:
    cloud.seed_many([{"status": "Normal", "title": "Clip"}])
    call_command("sync_videos", verbosity=0)
    video = Video.objects.get()
    make_endpoint()
    backup = back_up(tmp_path)  # before the first event and the first decision
    decide(video, Decision.NORMAL)
    lost = decide(video, Decision.BLOCKED)
    work_until_idle(60, ["create_audit"])
    last_event = Event.objects.latest("pk").pk
    restore(backup, empty_database)
    manage(empty_database, tmp_path, cloud.endpoint, "migrate")
    raise_counters(scratch)
    manage(empty_database, tmp_path, cloud.endpoint, "sync_videos --full")
    events = Event.objects.using(scratch).order_by("pk")
    assert events[0].pk > last_event
    assert events.filter(type=EventType.DECIDED)[0].data["decision"] == Decision.BLOCKED
    assert ReviewDecision.objects.using(scratch).earliest("pk").pk > lost.pk


def under_way(alias: str) -> set[tuple[Any, ...]]:
    return set(rows(alias, "SELECT kind FROM outbox_delivery WHERE finished_at IS NULL"))


def backup_error(path: Path) -> str:
    with pytest.raises(CommandError) as refused:
        call_command("backup_database", str(path))
    return str(refused.value)


def test_a_backup_overwrites_nothing_and_needs_a_folder(tmp_path: Path) -> None:
    if connection.vendor != "sqlite":
        assert "use pg_dump" in backup_error(tmp_path / "backup.sqlite3")
        return
    earlier = tmp_path / "earlier.sqlite3"
    earlier.write_text("of yesterday")
    assert "exists already" in backup_error(earlier)
    assert earlier.read_text() == "of yesterday"
    assert "There is no folder" in backup_error(tmp_path / "nowhere" / "backup.sqlite3")


def test_a_failed_backup_leaves_no_file_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "db.sqlite3"
    broken.write_bytes(b"SQLite format 3\0" + bytes(5_000))
    monkeypatch.setitem(connection.settings_dict, "NAME", str(broken))
    target = tmp_path / "backup.sqlite3"
    expected = "could not be made" if connection.vendor == "sqlite" else "use pg_dump"
    assert expected in backup_error(target)
    assert list(tmp_path.iterdir()) == [broken]


def test_a_backup_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    backup = back_up(tmp_path)
    if connection.vendor == "sqlite":  # pg_dump sets the mode of its own file
        assert backup.stat().st_mode & 0o077 == 0
