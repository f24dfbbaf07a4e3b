"""Files that come to a blocked or deleted clip: purged at once, and proven to be gone."""

from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from shortvideo.cloud import media_gateway, vod_gateway
from shortvideo.cloud.types import MediaPath
from shortvideo.outbox import services as outbox
from shortvideo.outbox.models import Delivery, DeliveryState
from tests.factories import make_file
from tests.support.localvod import LocalVod
from tests.videos.support import receive_bodies
from tests.videos.takedowns import (
    assert_gone,
    block,
    delivery_of,
    is_served,
    published,
    served_paths,
    sync_all,
    takedown_of,
    work,
    work_now,
    work_one,
)
from tests.videos.vod_tasks import NARROWBAND, Task, begin_task
from videos import mirror
from videos.mirror import asking
from videos.mirror.asking import EVERYTHING
from videos.models import CdnTask, Source, Takedown, Video
from videos.reconcile import Options, begin, carry_out
from videos.services import delete_video, undo_review

pytestmark = pytest.mark.django_db(transaction=True)
State = Takedown.State


def blocked_while_transcoding(cloud: LocalVod, **values: Any) -> tuple[Video, Task]:
    """Return a blocked clip whose takedown waits for the end of a task in VOD."""
    video = published(cloud)
    task = begin_task(cloud, video.vod_id, **values)
    block(video)
    work()
    return video, task


@pytest.mark.parametrize("group", ["standard-template-group", NARROWBAND])
def test_a_block_is_not_verified_while_vod_transcodes(cloud: LocalVod, group: str) -> None:
    video, task = blocked_while_transcoding(cloud, group=group)
    for _ in range(5):
        work_now()
    takedown = takedown_of(video)
    assert (takedown.state, takedown.check_count) == (State.UNDER_WAY, 0)
    assert takedown.problem.startswith("VOD still transcodes the clip")
    assert served_paths(video) == [], "what is known is purged at once"
    paths = task.end()
    assert all(map(is_served, paths))
    work_now()
    work_now()
    assert_gone(video, paths)


def test_a_stream_is_purged_while_another_is_transcoded(cloud: LocalVod) -> None:
    video, task = blocked_while_transcoding(cloud)
    first = task.end_job(task.job_ids[0])
    assert first is not None
    receive_bodies([{**task.event, "EventType": "StreamTranscodeComplete"}])
    work_now()
    assert not is_served(first)
    assert takedown_of(video).state == State.UNDER_WAY
    paths = task.end()
    work_now()
    work_now()
    assert_gone(video, paths)


def test_streams_after_the_proof_reopen_the_takedown(cloud: LocalVod) -> None:
    video = published(cloud)
    block(video)
    work()
    task = begin_task(cloud, video.vod_id)
    paths = task.end()
    assert takedown_of(video).state == State.VERIFIED
    receive_bodies([task.event])
    work()
    work_now()
    assert Takedown.objects.count() == 1
    assert_gone(video, paths)


def add_stream(cloud: LocalVod, video: Video) -> list[MediaPath]:
    """A task runs from begin to end in VOD, and its event is lost."""
    paths = begin_task(cloud, video.vod_id, trigger="Manual").end()
    vod_gateway().update_info(video.vod_id, title="Changed")
    return paths


@pytest.mark.parametrize("is_first_import", [False, True])
def test_a_sync_finds_the_streams_of_a_lost_event(cloud: LocalVod, is_first_import: bool) -> None:
    video = published(cloud)
    block(video)
    work()
    if not is_first_import:
        sync_all()
    paths = add_stream(cloud, video)
    sync_all()
    work()
    work_now()
    assert_gone(video, paths)


@pytest.mark.parametrize("is_heal", [False, True])
def test_a_comparison_finds_streams_that_no_takedown_knows(cloud: LocalVod, is_heal: bool) -> None:
    video = published(cloud)
    block(video)
    work()
    paths = begin_task(cloud, video.vod_id).end()
    options = Options(grace_seconds=0, wait_seconds=0)
    run = begin(is_heal=is_heal)
    for _ in carry_out(run, options):
        pass
    run.refresh_from_db()
    assert run.counts["files"]["found"] == 1
    if is_heal:
        work()
        work_now()
        assert_gone(video, paths)
        again = begin(is_heal=False)
        for _ in carry_out(again, options):
            pass
        again.refresh_from_db()
        assert again.found_count == 0


def with_stray_file(cloud: LocalVod, video: Video, key: str = "stray/clip.mp4") -> MediaPath:
    """Add a file to the row that localvod's CDN never stops serving: VOD does not know it."""
    path = MediaPath(cloud.put_file(key, b"video").removeprefix("http://"))
    files = Video.objects.get(pk=video.pk).files
    Video.objects.filter(pk=video.pk).update(files=[*files, make_file(path)])
    return path


def purge_count(path: MediaPath) -> int:
    return sum(path in urls for urls in CdnTask.objects.values_list("urls", flat=True))


def test_a_failed_takedown_reopens_for_a_new_file(cloud: LocalVod) -> None:
    video = published(cloud)
    stray = with_stray_file(cloud, video)
    block(video)
    work()
    work_now()
    takedown = takedown_of(video)
    assert (takedown.state, purge_count(stray)) == (State.FAILED, 3)
    task = begin_task(cloud, video.vod_id)
    paths = task.end()
    receive_bodies([task.event])
    work()
    work_now()
    assert not any(map(is_served, paths))
    takedown.refresh_from_db()
    assert takedown.state == State.FAILED, "after three new checks of the stray file"
    assert purge_count(stray) == 5
    assert takedown.problem == "The CDN still serves 1 of 5 files that play, after 5 purges."


def look_once() -> None:
    """Purge what is to be purged, and check once."""
    work_one("purge")
    Delivery.objects.filter(kind="verify_takedown").update(due_at=timezone.now())
    work_one("verify_takedown")


def test_checks_of_one_file_do_not_count_for_a_later_one(cloud: LocalVod) -> None:
    video = published(cloud)
    first = with_stray_file(cloud, video, "stray/first.mp4")
    block(video)
    work_one("create_audit")
    work_one("archive_evidence")
    look_once()
    look_once()
    takedown = takedown_of(video)
    assert takedown.served_counts == {first: 2}
    later = with_stray_file(cloud, video, "stray/later.mp4")
    for count in (1, 2, 3):
        look_once()
        takedown.refresh_from_db()
        assert (takedown.state, purge_count(later)) == (State.UNDER_WAY, count)
    look_once()
    takedown.refresh_from_db()
    assert (takedown.state, purge_count(later)) == (State.FAILED, 3)
    assert takedown.problem == "The CDN still serves 2 of 4 files that play, after 3 purges."


def test_a_file_in_the_undo_window_waits_with_the_block(
    cloud: LocalVod, settings: Settings
) -> None:
    settings.REVIEW_UNDO_SECONDS = 60
    video = published(cloud)
    decision = block(video, source=Source.ADMIN)
    task = begin_task(cloud, video.vod_id)
    paths = task.end()
    receive_bodies([task.event])
    work()
    assert not cloud.ledger("RefreshObjectCaches")
    undo_review(decision)
    work_now()
    assert not cloud.ledger("RefreshObjectCaches")
    assert set(CdnTask.objects.values_list("state", flat=True)) == {CdnTask.State.SUPERSEDED}
    block(video)
    work()
    work_now()
    assert_gone(video, paths)


def test_streams_are_read_again_before_a_deletion(cloud: LocalVod) -> None:
    video = published(cloud)
    delete_video(video)
    paths = begin_task(cloud, video.vod_id).end()
    work()
    work_now()
    assert_gone(video, paths)
    assert cloud.state(video.vod_id)["video"] is None


def test_a_clip_that_vod_blocked_before_it_was_seen_is_purged(cloud: LocalVod) -> None:
    vod_id = cloud.seed(status="Blocked", cover=True, snapshots=2, files=True)
    facts, _ = asking.fetch_facts([vod_id])
    mirror.apply(asking.fetch_reading(facts[vod_id], None, EVERYTHING))
    work()
    work_now()
    video = Video.objects.get()
    takedown = takedown_of(video)
    assert (takedown.cause, takedown.state) == (Takedown.Cause.VOD, State.VERIFIED)
    assert served_paths(video) == []


def test_a_file_that_comes_during_the_proof_is_proven_too(
    cloud: LocalVod, monkeypatch: pytest.MonkeyPatch
) -> None:
    video, paths = published(cloud), list[MediaPath]()
    ask = type(media_gateway()).is_served

    def asked_while_a_stream_comes(gateway: Any, path: MediaPath) -> bool:
        is_there = ask(gateway, path)
        if not paths:
            paths.extend(begin_task(cloud, video.vod_id).end())
            facts, _ = asking.fetch_facts([video.vod_id])
            row = Video.objects.get(pk=video.pk)
            mirror.apply(asking.fetch_reading(facts[video.vod_id], row, EVERYTHING))
        return is_there

    monkeypatch.setattr(type(media_gateway()), "is_served", asked_while_a_stream_comes)
    block(video)
    work()
    work_now()
    assert_gone(video, paths)


def test_the_segments_of_a_playlist_belong_to_its_file(cloud: LocalVod) -> None:
    video = published(cloud)
    names = ("hls/a.m3u8", "hls/low.m3u8", "hls/low-1.ts", "hls/low-2.ts", "hls/key.bin")
    lines = '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="key.bin"\nlow-1.ts?auth_key=1\n/hls/low-2.ts\n'
    content = {"hls/a.m3u8": "#EXTM3U\nlow.m3u8\nhttp://elsewhere.example.com/x.ts\n",
               "hls/low.m3u8": lines}  # fmt: skip
    urls = {
        name: cloud.put_file(name, content.get(name, "data").encode()).removeprefix("http://")
        for name in names
    }
    playlist = make_file(urls["hls/a.m3u8"], format="m3u8")
    Video.objects.filter(pk=video.pk).update(files=[playlist])
    block(video)
    for _ in range(4):
        work_now()
    purged = {url for urls in CdnTask.objects.values_list("urls", flat=True) for url in urls}
    assert purged >= set(urls.values())
    assert not any("elsewhere" in url for url in purged)
    takedown = takedown_of(video)
    assert takedown.state == State.FAILED  # localvod's CDN serves strays for ever
    assert "still serves 5 of" in takedown.problem


def test_an_unreadable_playlist_is_named(cloud: LocalVod) -> None:
    video = published(cloud)
    playlist = make_file(f"{cloud.endpoint}/hls/gone.m3u8", format="m3u8")
    Video.objects.filter(pk=video.pk).update(files=[*video.files, playlist])
    block(video)
    work()
    work_now()
    takedown = takedown_of(video)
    assert takedown.state == State.VERIFIED
    assert takedown.problem == "The segments of 1 playlists were never known."


def test_a_refused_block_stays_failed_when_a_file_comes(cloud: LocalVod) -> None:
    video = published(cloud)
    cloud.faults({"operation": "CreateAudit", "kind": "error", "code": "Forbidden", "status": 403})
    block(video)
    work()
    assert takedown_of(video).state == State.FAILED
    task = begin_task(cloud, video.vod_id)
    paths = task.end()
    receive_bodies([task.event])
    work()
    assert takedown_of(video).state == State.FAILED
    assert not Delivery.objects.open().exists()
    cloud.faults()
    outbox.retry(delivery_of(video, "create_audit"))
    work()
    work_now()
    assert_gone(video, paths)


def test_a_dismissed_proof_reopens_for_a_new_file(cloud: LocalVod) -> None:
    video = published(cloud)
    with_stray_file(cloud, video)
    block(video)
    work()
    work_now()
    outbox.dismiss(delivery_of(video, "verify_takedown"))
    assert takedown_of(video).state == State.FAILED
    task = begin_task(cloud, video.vod_id)
    paths = task.end()
    receive_bodies([task.event])
    work()
    assert not any(map(is_served, paths))
    assert delivery_of(video, "verify_takedown").state != DeliveryState.SUPERSEDED
