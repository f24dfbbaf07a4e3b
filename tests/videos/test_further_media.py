"""Media that a newer reading replaced: still archived and purged with the video."""

from dataclasses import replace

import pytest
from pytest_django.fixtures import Settings

from recommendations.services import (
    Options,
    edit_recommendation,
    recommend_video,
    remove_recommendation,
)
from shortvideo.cloud import media_gateway
from shortvideo.cloud.types import MediaPath, StreamFile
from tests.factories import make_video
from tests.support.localvod import LocalVod
from tests.videos.support import after, make_facts, video_of
from tests.videos.takedowns import PIXEL, block, published, takedown_of, work
from videos import mirror
from videos.mirror import Reading
from videos.models import CdnTask, Evidence, Takedown, Video
from videos.models.video import MAX_FURTHER_MEDIA
from videos.services import media_paths

pytestmark = pytest.mark.django_db(transaction=True)

HOST = "media.example.com"


@pytest.fixture(autouse=True)
def play_domain(settings: Settings) -> None:
    settings.CDN_DOMAINS = [HOST]


def purged(video: Video) -> set[str]:
    tasks = CdnTask.objects.filter(video=video, kind=CdnTask.Kind.PURGE)
    return {url for urls in tasks.values_list("urls", flat=True) for url in urls}


def path(name: str) -> MediaPath:
    return MediaPath(f"{HOST}/{name}")


def test_replaced_streams_and_covers_are_purged_with_the_video() -> None:
    first = Reading(
        make_facts(status="Normal", cover=path("old.jpg")), files=(StreamFile(path("old.mp4")),)
    )
    mirror.apply(first)
    facts = replace(first.facts, read_at=after(120), cover=path("new.jpg"), snapshots=())
    mirror.apply(Reading(facts, files=(StreamFile(path("new.mp4")),)))
    video = video_of(facts)
    block(video)
    names = {"old.jpg", "new.jpg", "old.mp4", "new.mp4", "1.jpg", "2.jpg"}
    assert purged(video) == {path(name) for name in names}
    takedown = takedown_of(video)
    assert takedown.verification is not None
    assert set(takedown.verification.payload["play"]) == {path("old.mp4"), path("new.mp4")}


def test_media_of_an_earlier_source_are_purged_and_forgotten() -> None:
    first = Reading(make_facts(status="Normal"), files=(StreamFile(path("old.mp4")),))
    mirror.apply(first)
    later = replace(first.facts, read_at=after(90), cover=path("later.jpg"))
    mirror.apply(Reading(later, files=(StreamFile(path("later.mp4")),)))
    assert not CdnTask.objects.exists()
    mirror.apply(Reading(replace(later, read_at=after(120), size=2_000, cover=path("new.jpg"))))
    video = video_of(first.facts)
    assert (video.source_version, video.further_media) == (2, [])
    names = {"cover.jpg", "later.jpg", "1.jpg", "2.jpg", "old.mp4", "later.mp4"}
    assert purged(video) == {path(name) for name in names}


def test_an_unchanged_reading_remembers_nothing() -> None:
    reading = Reading(make_facts(status="Normal"), files=(StreamFile(path("a.mp4")),))
    mirror.apply(reading)
    mirror.apply(replace(reading, facts=replace(reading.facts, read_at=after(120))))
    assert video_of(reading.facts).further_media == []


def test_only_the_newest_replaced_media_are_remembered() -> None:
    video = make_video()
    video.remember_media({"kind": "play", "path": str(n)} for n in range(MAX_FURTHER_MEDIA + 1))
    assert len(video.further_media) == MAX_FURTHER_MEDIA
    assert video.further_media[-1]["path"] == str(MAX_FURTHER_MEDIA)


def test_pictures_of_a_removed_recommendation_are_purged() -> None:
    video = make_video()
    item = recommend_video(video, options=Options({"cover": path("first.jpg")}))
    edit_recommendation(item, values={"cover": path("second.jpg"), "first_frame": ""})
    remove_recommendation(item)
    block(video)
    assert {path("first.jpg"), path("second.jpg")} <= purged(video)


def test_an_earlier_cover_is_archived_purged_and_verified(
    cloud: LocalVod, settings: Settings
) -> None:
    settings.CDN_DOMAINS = [cloud.endpoint]
    video = published(cloud)
    earlier = cloud.put_file("earlier.png", PIXEL).removeprefix("http://")
    recommend_video(video, options=Options({"cover": earlier}))
    block(video)
    work()
    assert earlier in {file["path"] for file in Evidence.objects.get().files}
    takedown = takedown_of(video)
    assert takedown.state == Takedown.State.VERIFIED
    assert takedown.problem == "1 of 4 pictures are still served."  # `earlier`: outside VOD


def test_a_cover_that_is_another_clips_file_is_left_alone(
    cloud: LocalVod, settings: Settings
) -> None:
    settings.CDN_DOMAINS = [cloud.endpoint]
    other, video = published(cloud), published(cloud)
    Video.objects.filter(pk=video.pk).update(cover=other.cover)
    video.refresh_from_db()
    assert media_gateway().is_served(MediaPath(other.cover))
    block(video)
    work()
    assert purged(video).isdisjoint(media_paths(other))
    takedown = takedown_of(video)
    assert (takedown.state, takedown.problem) == (Takedown.State.VERIFIED, "")
    assert other.cover not in {file["path"] for file in Evidence.objects.get().files}
    block(other)
    work()
    assert other.cover in purged(other)
    assert not media_gateway().is_served(MediaPath(other.cover))
