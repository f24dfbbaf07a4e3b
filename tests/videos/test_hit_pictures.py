"""The machine's hit pictures: archived before VOD deletes them, and shown at the hits."""

from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from shortvideo.outbox.models import Delivery, DeliveryState
from tests.factories import make_operator
from tests.support.localvod import LocalVod
from tests.videos.takedowns import PIXEL, approve, block, delivery_of, work
from videos import mirror, periodic
from videos.mirror import asking
from videos.mirror.asking import EVERYTHING
from videos.models import Evidence, ReviewTask, Video
from videos.services.evidence import check_copies

pytestmark = pytest.mark.django_db(transaction=True)

TWO_WEEKS = 14 * 24 * 3600


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    options = {"location": str(tmp_path)}
    backend = {**settings.STORAGES["evidence"], "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "evidence": backend}
    settings.OUTBOX_BACKOFF_SECONDS = 0.05
    return tmp_path


def read(cloud: LocalVod, verdict: str = "review") -> Video:
    """Seed a clip with a machine verdict, and read it into the mirror."""
    vod_id = cloud.seed(status="Checking", cover=True, snapshots=0, verdict=verdict)
    for stored in cloud.state(vod_id)["objects"]:
        if stored["kind"] == "image":
            file = cloud.state_folder / "media" / stored["object_key"]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(PIXEL + stored["object_key"].encode())
    found, _ = asking.fetch_facts([vod_id])
    mirror.apply(asking.fetch_reading(found[vod_id], None, EVERYTHING))
    return Video.objects.get(vod_id=vod_id)


def kinds(video: Video) -> list[str]:
    return sorted(file["kind"] for file in video.evidence.get().files)


def test_hit_pictures_are_archived_and_outlive_vod(cloud: LocalVod) -> None:
    video = read(cloud)
    hits = video.machine_reviews.get().hits
    work()
    evidence = video.evidence.get()
    assert kinds(video) == ["hit"] * 3
    assert {file["path"] for file in evidence.files} == {hit["picture"] for hit in hits}
    assert (evidence.problem, evidence.facts, evidence.attention_at) == ("", {}, None)
    cloud.set_ahead(TWO_WEEKS + 1)
    assert cloud.get(f"http://{hits[0]['picture']}").status_code == 404
    client = Client()
    client.force_login(make_operator("moderator"), "accounts.backends.OperatorBackend")
    copy = client.get(reverse("admin:videos_evidence_copy", args=[evidence.pk, 0]))
    assert b"".join(copy).startswith(PIXEL)
    cloud.set_ahead(0)


def test_the_pages_show_the_copies_at_the_hits(cloud: LocalVod, folder: Path) -> None:
    video = read(cloud)
    work()
    ReviewTask.objects.get_or_create(video=video, closed_at=None, defaults={"cause": "new"})
    urls = [
        reverse("admin:videos_evidence_copy", args=[video.evidence.get().pk, index])
        for index in range(3)
    ]
    moderator, viewer = Client(), Client()
    moderator.force_login(make_operator("moderator"), "accounts.backends.OperatorBackend")
    viewer.force_login(make_operator("viewer"), "accounts.backends.OperatorBackend")
    values = {"page": uuid4(), "limit": 1, "order": "oldest"}
    [clip] = moderator.post(reverse("review:clips"), values).json()["clips"]
    assert [hit["picture"] for hit in clip["hits"]] == urls
    page = reverse("admin:videos_video_change", args=[video.pk])
    assert all(url in moderator.get(page).content.decode() for url in urls)
    assert not any(url in viewer.get(page).content.decode() for url in urls)
    lost = folder / video.evidence.get().files[0]["name"]
    lost.unlink()
    check_copies(share=1, turn=0)
    assert [url in moderator.get(page).content.decode() for url in urls] == [False, True, True]
    Evidence.objects.update(retry_at=timezone.now())
    periodic.archive_incomplete_evidence()
    work()
    assert lost.exists()


def test_a_block_archives_pictures_and_hits_as_one(cloud: LocalVod) -> None:
    video = read(cloud, "block")
    work()
    assert kinds(video) == ["cover", "hit", "hit", "hit"]
    archives = Delivery.objects.filter(kind="archive_evidence").order_by("id")
    states = [DeliveryState.SUPERSEDED, DeliveryState.DONE]
    assert list(archives.values_list("state", flat=True)) == states
    assert video.evidence.get().facts["title"] == video.title


def test_a_block_completes_the_evidence_of_hits(cloud: LocalVod) -> None:
    video = read(cloud)
    work()
    assert not Evidence.objects.of_blocks().exists()
    block(video)
    work()
    assert kinds(video) == ["cover", "hit", "hit", "hit"]
    assert Evidence.objects.of_blocks().get().facts["title"] == video.title


def test_missing_hit_pictures_are_tried_again_for_two_weeks(cloud: LocalVod) -> None:
    video = read(cloud)
    approve(video)
    first = video.machine_reviews.get().hits[0]["picture"].partition("/")[2]
    file = cloud.state_folder / "media" / first
    file.write_bytes(b"")
    work()
    evidence = video.evidence.get()
    assert "1 of 3 pictures could not be copied" in evidence.problem
    assert not Evidence.objects.needing_attention().exists()
    Evidence.objects.update(retry_at=timezone.now())
    file.write_bytes(PIXEL)
    periodic.archive_incomplete_evidence()
    work()
    evidence.refresh_from_db()
    assert (evidence.problem, len(evidence.files)) == ("", 3)
    late = timezone.now() - timedelta(days=15)
    Evidence.objects.update(attention_at=late, retry_at=timezone.now(), problem="one is missing")
    assert not Evidence.objects.to_retry(timezone.now()).exists()


def test_a_picture_in_vods_storage_is_fetched_by_vods_own_url(
    cloud: LocalVod, monkeypatch: pytest.MonkeyPatch
) -> None:
    """VOD's own storage is on *.aliyuncs.com; here it is localvod without a play domain."""
    video = read(cloud)
    for module in ("shortvideo.cloud.vod.review", "videos.services.evidence"):
        monkeypatch.setattr(f"{module}.is_of_vod", bool)
    monkeypatch.setattr("videos.deliveries.evidence.is_on_cdn", lambda _path: False)
    work()
    assert kinds(video) == ["hit"] * 3
    assert len(cloud.ledger("GetMediaAuditResult", video_id=video.vod_id)) == 2
    assert delivery_of(video, "archive_evidence").state == DeliveryState.DONE
