"""Evidence of a blocked video: what is archived, what is skipped, and when it is removed."""

from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import pytest
from django.core.files.storage import Storage, storages
from django.utils import timezone
from pytest_django.fixtures import Settings

from shortvideo.cloud import CloudUnavailable
from shortvideo.cloud.media import MediaGateway
from shortvideo.cloud.types import MediaPath
from shortvideo.outbox.models import Delivery, DeliveryState
from shortvideo.outbox.worker import work_until_idle
from tests.factories import make_video
from tests.support.localvod import LocalVod
from tests.videos.takedowns import (
    PIXEL,
    SECONDS,
    approve,
    block,
    delivery_of,
    published,
    takedown_of,
    work,
    work_now,
    work_one,
)
from videos import mirror, periodic
from videos.models import Evidence, MachineReview, ReviewDecision, Takedown, Video
from videos.services import delete_video
from videos.services import evidence as evidence_service
from videos.services.takedown import pictures_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    evidence = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(tmp_path)},
    }
    settings.STORAGES = {**settings.STORAGES, "evidence": evidence}
    return tmp_path


@pytest.fixture(autouse=True)
def _short_backoff(settings: Settings) -> None:
    settings.OUTBOX_BACKOFF_SECONDS = 0.05


def stored(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_block_archives_pictures_facts_and_machine_review(cloud: LocalVod, folder: Path) -> None:
    video = published(cloud)
    MachineReview.objects.create(
        video=video, source_version=1, suggestion="review", labels=["ad"], hits=[{"label": "ad"}]
    )
    block(video)
    work()
    evidence = Evidence.objects.get()
    assert sorted(file["kind"] for file in evidence.files) == ["cover", "first_frame", "snapshot"]
    assert evidence.facts["title"] == video.title
    assert evidence.machine_review["labels"] == ["ad"]
    assert (evidence.source_version, evidence.problem, evidence.expires_at) == (1, "", None)
    names = sorted(file["name"] for file in evidence.files)
    assert names == stored(folder)
    assert all(name.startswith(f"{video.vod_id}/1/") and name.endswith(".jpg") for name in names)
    with storages["evidence"].open(names[0]) as copy:
        assert copy.read().startswith(PIXEL)


def test_every_picture_that_is_purged_is_archived(cloud: LocalVod) -> None:
    video = published(cloud, snapshots=61)
    block(video)
    work_one("create_audit")
    work_one("archive_evidence")
    evidence = Evidence.objects.get()
    assert {file["path"] for file in evidence.files} == {
        picture["path"] for picture in pictures_of(video)
    }
    assert (len(evidence.files) > 61, evidence.problem) == (True, "")


def test_a_second_block_of_the_same_source_copies_nothing(cloud: LocalVod, folder: Path) -> None:
    video = published(cloud)
    block(video)
    work()
    before = Evidence.objects.values().get()
    approve(video)
    block(video, reason="spam")
    work()
    assert Evidence.objects.values().get() == before


def test_missing_and_invalid_pictures_do_not_stop_the_takedown(
    cloud: LocalVod, folder: Path
) -> None:
    video = published(cloud)
    cover = video.cover
    script = cloud.put_file("drawing.svg", b"<svg onload='alert(1)'/>")
    page = cloud.put_file("page.html", b"<script>alert(1)</script>")
    Video.objects.filter(pk=video.pk).update(
        cover=page.removeprefix("http://"),
        snapshots=[script.removeprefix("http://"), f"{cloud.endpoint}/gone.png", cover],
        first_frame="",
    )
    block(video)
    work_until_idle(SECONDS, ["create_audit", "archive_evidence"])
    evidence = Evidence.objects.get()
    assert [file["path"] for file in evidence.files] == [cover]
    assert "3 of 4 pictures could not be copied: The CDN answers with 'text/html'" in (
        evidence.problem
    )
    assert len(stored(folder)) == 1
    assert delivery_of(video, "archive_evidence").state == DeliveryState.DONE


def test_the_archive_gives_up_on_a_picture_after_a_few_attempts(
    cloud: LocalVod, settings: Settings
) -> None:
    video = published(cloud)
    settings.CDN_DOMAINS = [cloud.endpoint, "127.0.0.1:9"]
    Video.objects.filter(pk=video.pk).update(cover="127.0.0.1:9/cover.png")
    block(video)
    work_until_idle(SECONDS, ["create_audit", "archive_evidence"])
    archive = delivery_of(video, "archive_evidence")
    assert (archive.state, archive.attempts) == (DeliveryState.DONE, 4)
    evidence = Evidence.objects.get()
    assert len(evidence.files) == 2
    assert "1 of 3 pictures could not be copied: The CDN did not give an answer" in evidence.problem
    assert "auth_key" not in evidence.problem


def test_a_silent_cdn_is_not_asked_for_each_picture(
    cloud: LocalVod, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def silent(_: MediaGateway, path: MediaPath) -> NoReturn:
        asked.append(path)
        raise CloudUnavailable("The CDN did not give an answer: it was silent for 5 s.")

    monkeypatch.setattr(MediaGateway, "picture", silent)
    video = published(cloud)
    Video.objects.filter(pk=video.pk).update(
        snapshots=[f"{cloud.endpoint}/{number}.png" for number in range(40)]
    )
    block(video)
    work_until_idle(SECONDS, ["create_audit", "archive_evidence"])
    assert len(asked) == 3 + 3, "one in each of three attempts, three in the last"
    problem = Evidence.objects.get().problem
    assert problem.startswith("42 of 42 pictures could not be copied: The CDN did not give")


def test_an_unwritable_folder_does_not_stop_the_takedown(cloud: LocalVod, folder: Path) -> None:
    video = published(cloud)
    (folder / video.vod_id).write_text("a file where the folder belongs")
    block(video)
    work()
    evidence = Evidence.objects.get()
    assert evidence.files == []
    assert "The storage of evidence refused a copy" in evidence.problem
    assert takedown_of(video).state == Takedown.State.VERIFIED


class Bucket(Storage):
    """An object storage. Its errors are no OSError and contain secrets."""

    class ClientError(Exception):
        pass

    def refuse(self, *_: object, **__: object) -> NoReturn:
        raise self.ClientError("AccessDenied: key AKIA123")

    exists = delete = _save = _open = refuse


def use_bucket(settings: Settings) -> None:
    bucket = {"BACKEND": f"{Bucket.__module__}.{Bucket.__name__}"}
    settings.STORAGES = {**settings.STORAGES, "evidence": bucket}


def test_a_refusing_object_storage_does_not_stop_the_takedown(
    cloud: LocalVod, settings: Settings
) -> None:
    use_bucket(settings)
    video = published(cloud)
    block(video)
    work()
    evidence = Evidence.objects.get()
    assert evidence.problem == (
        "3 of 3 pictures could not be copied: The storage of evidence refused a copy (ClientError)."
    )
    assert takedown_of(video).state == Takedown.State.VERIFIED


def test_an_object_storage_that_keeps_a_copy_stops_no_other(
    settings: Settings,
) -> None:
    use_bucket(settings)
    expired = {"video": make_video(), "expires_at": timezone.now()}
    copies = [{"kind": "cover", "path": "a", "name": "a.png"}]
    Evidence.objects.create(source_version=1, files=copies, **expired)
    Evidence.objects.create(source_version=2, **expired)
    assert evidence_service.remove_expired(at_once=2) == 1
    left = Evidence.objects.kept().get()
    assert left.problem == "A copy whose time is over could not be removed (ClientError)."


def test_a_video_without_media_on_our_cdn_archives_its_facts(cloud: LocalVod) -> None:
    video = make_video(
        vod_id=cloud.seed(cover="http://elsewhere.example.com/a.png", snapshots=0),
        title="Bad",
        cover="elsewhere.example.com/a.png",
    )
    block(video)
    work()
    evidence = Evidence.objects.get()
    assert (evidence.files, evidence.facts["title"]) == ([], "Bad")
    assert evidence.problem == "The clip had no picture on the CDN."


def test_evidence_is_kept_for_the_set_days_after_the_deletion(
    cloud: LocalVod, folder: Path, settings: Settings
) -> None:
    settings.EVIDENCE_DAYS = 30
    video = published(cloud)
    block(video)
    work()
    delete_video(video)
    work()
    evidence = Evidence.objects.get()
    assert evidence.expires_at is not None
    kept_days = (evidence.expires_at - timezone.now()) / timedelta(days=1)
    assert 29.9 < kept_days <= 30
    periodic.remove_expired_evidence()
    assert len(stored(folder)) == 3

    Evidence.objects.update(expires_at=timezone.now())
    periodic.remove_expired_evidence()
    evidence.refresh_from_db()
    assert (evidence.files, evidence.facts, evidence.machine_review) == ([], {}, {})
    assert evidence.removed_at is not None
    assert stored(folder) == []
    assert ReviewDecision.objects.get().video == video


def test_evidence_of_a_video_that_is_not_deleted_never_expires(
    cloud: LocalVod, folder: Path
) -> None:
    block(published(cloud))
    work()
    Evidence.objects.update(archived_at=timezone.now() - timedelta(days=4000))
    periodic.remove_expired_evidence()
    assert len(stored(folder)) == 3


def test_an_interrupted_removal_is_finished_by_the_next_one(cloud: LocalVod, folder: Path) -> None:
    block(published(cloud))
    work()
    for name in stored(folder):
        (folder / name).unlink()
    Evidence.objects.update(expires_at=timezone.now())
    periodic.remove_expired_evidence()
    assert Evidence.objects.get().removed_at is not None


def test_a_copy_that_cannot_be_removed_does_not_stop_the_others(folder: Path) -> None:
    """There are more copies than one batch; the first one cannot be removed."""
    video = make_video()
    for version in range(5):
        name = f"{version}/copy.png"
        path = folder / name
        path.parent.mkdir()
        path.write_bytes(PIXEL)
        Evidence.objects.create(
            video=video,
            source_version=version,
            files=[{"kind": "cover", "path": "a", "name": name}],
            expires_at=timezone.now() - timedelta(days=9 - version),
        )
    stubborn = folder / "0" / "copy.png"
    stubborn.unlink()
    (stubborn / "in the way").mkdir(parents=True)
    assert evidence_service.remove_expired(at_once=2) == 4
    left = Evidence.objects.kept().get()
    assert left.source_version == 0
    assert left.problem == ("A copy whose time is over could not be removed (Directory not empty).")
    assert stored(folder) == []
    (stubborn / "in the way").rmdir()
    assert evidence_service.remove_expired(at_once=2) == 1
    assert not Evidence.objects.kept().exists()


def test_evidence_without_an_expiry_is_not_removed(folder: Path) -> None:
    (folder / "copy.png").write_bytes(PIXEL)
    evidence = Evidence.objects.create(
        video=make_video(),
        source_version=1,
        files=[{"kind": "cover", "path": "a", "name": "copy.png"}],
        expires_at=None,
    )
    assert not evidence_service._remove(evidence.pk)
    assert stored(folder) == ["copy.png"]


def test_a_blocked_video_that_vod_deleted_is_archived(
    cloud: LocalVod,
) -> None:
    video = published(cloud)
    block(video)  # not sent to VOD yet
    mirror.remove_videos([video.vod_id])
    work()
    evidence = Evidence.objects.get()
    assert (len(evidence.files), evidence.problem) == (3, "")
    assert evidence.expires_at is not None


def test_a_video_passed_before_the_archive_leaves_no_evidence(cloud: LocalVod) -> None:
    video = published(cloud)
    block(video)
    Delivery.objects.filter(kind="archive_evidence").update(
        after=None, due_at=timezone.now() + timedelta(hours=1)
    )
    approve(video)
    work_now()
    assert not Evidence.objects.exists()
