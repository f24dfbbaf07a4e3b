"""Evidence that could not be copied: named in the inbox, and tried again."""

import errno
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.core.files.storage import FileSystemStorage
from django.utils import timezone
from pytest_django.fixtures import Settings

from shortvideo.cloud import vod_gateway
from shortvideo.desk import inbox
from shortvideo.errors import InvalidState
from shortvideo.outbox.models import Delivery
from tests.factories import make_operator, make_video
from tests.support.localvod import LocalVod
from tests.videos.takedowns import approve, block, published, takedown_of, work
from videos import periodic
from videos.models import Evidence, Takedown, Video
from videos.services import archive_again, delete_video, dismiss
from videos.services.evidence import check_copies, store_copy

pytestmark = pytest.mark.django_db(transaction=True)


class FullDisk(FileSystemStorage):
    """A disk that is full while `is_full`: it keeps the first bytes of a file."""

    is_full: ClassVar[bool] = True

    def save(self, name: str | None, content: Any, max_length: int | None = None) -> str:
        saved = super().save(name, content, max_length)
        if self.is_full:
            path = Path(self.path(saved))
            path.write_bytes(path.read_bytes()[:10])
            raise OSError(errno.ENOSPC, "No space left on device")
        return saved


@pytest.fixture(autouse=True)
def disk(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> type[FullDisk]:
    settings.OUTBOX_BACKOFF_SECONDS = 0.05
    evidence = {
        "BACKEND": f"{FullDisk.__module__}.{FullDisk.__name__}",
        "OPTIONS": {"location": str(tmp_path)},
    }
    settings.STORAGES = {**settings.STORAGES, "evidence": evidence}
    monkeypatch.setattr(FullDisk, "is_full", True)
    return FullDisk


@pytest.fixture
def incomplete(cloud: LocalVod) -> Evidence:
    """The evidence of a blocked clip: purged, and the disk took no copy."""
    vod_gateway().add_security_ips(["127.0.0.1"], group="Default")
    block(published(cloud))
    work()
    return Evidence.objects.get()


def count_in_inbox() -> int:
    lines = {line.concern.name: line.count for line in inbox.Inbox(make_operator("operator"))}
    return lines["evidence"]


def test_a_full_disk_ends_no_takedown_and_is_a_concern(
    incomplete: Evidence, caplog: pytest.LogCaptureFixture
) -> None:
    assert takedown_of(incomplete.video).state == Takedown.State.VERIFIED
    assert incomplete.files == []
    assert incomplete.problem == (
        "3 of 3 pictures could not be copied: The storage of evidence refused a copy (No space "
        "left on device)."
    )
    assert count_in_inbox() == 1
    lines = [
        line for line in caplog.get_records("setup") if line.name == "videos.services.evidence"
    ]
    assert {line.__dict__["reason"] for line in lines} == {"No space left on device"}
    assert not any(line.exc_info for line in lines)


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_archiving_again_completes_the_evidence(
    incomplete: Evidence, disk: type[FullDisk], tmp_path: Path
) -> None:
    assert files_in(tmp_path) == [], "no part of a copy is left"
    disk.is_full = False
    archive_again(incomplete)
    work()
    incomplete.refresh_from_db()
    assert (len(incomplete.files), incomplete.problem) == (3, "")
    assert (incomplete.attention_at, incomplete.retry_at) == (None, None)
    assert all((tmp_path / file["name"]).stat().st_size > 10 for file in incomplete.files)
    assert count_in_inbox() == 0


@pytest.fixture
def complete(incomplete: Evidence, disk: type[FullDisk]) -> Evidence:
    """The same evidence with all copies."""
    disk.is_full = False
    archive_again(incomplete)
    work()
    incomplete.refresh_from_db()
    return incomplete


def lose_copies(evidence: Evidence, folder: Path, count: int) -> list[Path]:
    lost = [folder / file["name"] for file in evidence.files[:count]]
    for path in lost:
        path.unlink()
    return lost


@pytest.mark.parametrize("count", [1, 3])
def test_a_lost_copy_is_archived_again(complete: Evidence, tmp_path: Path, count: int) -> None:
    """No check has found the loss yet."""
    lost = lose_copies(complete, tmp_path, count)
    archive_again(complete)
    work()
    complete.refresh_from_db()
    assert all(path.stat().st_size > 10 for path in lost)
    assert (len(complete.copies), complete.shortfall) == (3, "")
    archive_again(complete)
    work()
    assert not Delivery.objects.open().exists()


def check_all_copies() -> None:
    for turn in range(24):
        check_copies(share=24, turn=turn)


@pytest.mark.parametrize("count", [1, 3])
def test_a_lost_copy_is_found_and_is_a_concern(
    complete: Evidence, tmp_path: Path, count: int
) -> None:
    check_all_copies()
    assert count_in_inbox() == 0
    lose_copies(complete, tmp_path, count)
    check_all_copies()
    complete.refresh_from_db()
    assert len(complete.copies) == 3 - count
    assert complete.shortfall == f"{count} of 3 copies are not in the storage any more."
    assert count_in_inbox() == 1
    Evidence.objects.update(retry_at=timezone.now())
    periodic.archive_incomplete_evidence()
    work()
    assert count_in_inbox() == 0
    assert len(Evidence.objects.get().copies) == 3


def test_a_lost_copy_of_a_deleted_clip_stays_a_concern(complete: Evidence, tmp_path: Path) -> None:
    delete_video(complete.video)
    work()
    [path] = lose_copies(complete, tmp_path, 1)
    check_all_copies()
    assert count_in_inbox() == 1
    dismiss(complete)
    check_all_copies()
    assert count_in_inbox() == 0
    path.write_bytes(b"the folder is mounted again")
    check_all_copies()
    complete.refresh_from_db()
    assert (len(complete.copies), complete.shortfall) == (3, "")


def test_a_copy_is_looked_for_before_a_deletion(complete: Evidence, tmp_path: Path) -> None:
    lost = lose_copies(complete, tmp_path, 2)
    delete_video(complete.video)
    work()
    assert all(map(Path.exists, lost))


def test_a_storage_that_does_not_answer_loses_nothing(
    complete: Evidence, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> bool:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(FullDisk, "exists", fail)
    check_all_copies()
    archive_again(complete)
    work()
    complete.refresh_from_db()
    assert (len(complete.copies), complete.shortfall) == (3, "")
    assert not Delivery.objects.open().exists()


def test_the_worker_tries_again_less_and_less_often(
    incomplete: Evidence, disk: type[FullDisk]
) -> None:
    periodic.archive_incomplete_evidence()
    assert not Delivery.objects.open().exists(), "too early"
    began_at = timezone.now() - timedelta(hours=2)
    Evidence.objects.update(attention_at=began_at, retry_at=timezone.now())
    periodic.archive_incomplete_evidence()
    periodic.archive_incomplete_evidence()
    assert Delivery.objects.open().count() == 1
    work()
    incomplete.refresh_from_db()
    assert incomplete.attention_at == began_at
    assert incomplete.retry_at is not None
    assert timedelta(hours=1.9) < incomplete.retry_at - timezone.now() < timedelta(hours=2.1)
    disk.is_full = False
    Evidence.objects.update(retry_at=timezone.now())
    periodic.archive_incomplete_evidence()
    work()
    assert len(Evidence.objects.get().files) == 3


def test_a_copy_that_broke_off_is_replaced(disk: type[FullDisk], tmp_path: Path) -> None:
    """A process that was killed left a part of it."""
    disk.is_full = False
    video = make_video()
    name = store_copy(video, 1, "cover", b"whole", extension="jpg")
    (tmp_path / name).write_bytes(b"wh")
    assert store_copy(video, 1, "cover", b"whole", extension="jpg") == name
    assert [path.read_bytes() for path in files_in(tmp_path)] == [b"whole"]


def test_a_disk_that_is_full_again_keeps_the_copies_so_far(
    incomplete: Evidence, disk: type[FullDisk], tmp_path: Path
) -> None:
    disk.is_full = False
    archive_again(incomplete)
    work()
    first, *others = Evidence.objects.get().files
    for file in others:
        (tmp_path / file["name"]).unlink()
    Evidence.objects.update(files=[first], problem="2 of 3 are missing.")
    disk.is_full = True
    archive_again(incomplete)
    work()
    evidence = Evidence.objects.get()
    assert evidence.files == [first]
    assert evidence.problem.startswith("2 of 3 pictures could not be copied")


def test_without_a_review_ip_the_reason_is_named(cloud: LocalVod, disk: type[FullDisk]) -> None:
    block(published(cloud))
    work()
    disk.is_full = False
    archive_again(Evidence.objects.get())
    work()
    evidence = Evidence.objects.get()
    assert evidence.problem == (
        "3 of 3 pictures could not be copied: The CDN does not serve the file any more (HTTP 403)."
    )
    assert count_in_inbox() == 1


@pytest.mark.parametrize("how", ["deleted", "approved"])
def test_evidence_that_cannot_be_completed_is_not_tried(incomplete: Evidence, how: str) -> None:
    video = Video.objects.get()
    if how == "deleted":
        delete_video(video)
    else:
        approve(video)
    work()
    Evidence.objects.update(retry_at=timezone.now())
    periodic.archive_incomplete_evidence()
    assert not Delivery.objects.open().exists()
    with pytest.raises(InvalidState, match=f"not blocked|is {how}"):
        archive_again(incomplete)
    assert count_in_inbox() == (how == "deleted")


def test_dismissed_evidence_is_not_tried_again(incomplete: Evidence) -> None:
    dismiss(incomplete)
    Evidence.objects.update(retry_at=timezone.now())
    periodic.archive_incomplete_evidence()
    assert not Delivery.objects.open().exists()
    assert count_in_inbox() == 0


def test_a_clip_without_pictures_is_a_concern(cloud: LocalVod) -> None:
    block(make_video(vod_id=cloud.seed(cover=False, snapshots=0), cover="", snapshots=[]))
    work()
    assert Evidence.objects.get().problem == "The clip had no picture on the CDN."
    assert count_in_inbox() == 1
