"""Pictures that VOD makes of a blocked or deleted clip: purged, archived, proven to be gone."""

from collections.abc import Callable
from typing import Any

import pytest

from shortvideo.cloud import vod_gateway
from shortvideo.cloud.types import MediaPath
from tests.support.localvod import LocalVod
from tests.videos.support import receive_bodies
from tests.videos.takedowns import (
    approve,
    assert_gone,
    block,
    is_served,
    published,
    read_again,
    sync_all,
    takedown_of,
    work,
    work_now,
    work_one,
)
from tests.videos.vod_snapshots import take_snapshots
from videos import mirror
from videos.deliveries import takedown
from videos.events.inbox import reported_pictures
from videos.models import Evidence, Takedown, Video, VodEvent
from videos.models.video import MAX_FURTHER_MEDIA
from videos.reconcile import Options, begin, carry_out
from videos.services import delete_video

pytestmark = pytest.mark.django_db(transaction=True)
State = Takedown.State


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(takedown, "PURGED_SECONDS", 0.05)
    monkeypatch.setattr(takedown, "WAIT_SECONDS", (0.05, 0.05))


def compare_and_heal(_: Video) -> None:
    run = begin(is_heal=True)
    for _tally in carry_out(run, Options(grace_seconds=0, wait_seconds=0)):
        pass
    run.refresh_from_db()
    assert run.counts["files"] == {"found": 1, "healed": 1, "under_way": 0, "left": 0}


def change_and_sync(video: Video) -> None:
    vod_gateway().update_info(video.vod_id, title="Changed")
    sync_all()


@pytest.mark.parametrize("tell", [read_again, compare_and_heal, change_and_sync])
def test_pictures_after_the_proof_reopen_the_takedown(
    cloud: LocalVod, tell: Callable[[Video], None]
) -> None:
    video = published(cloud)
    block(video)
    work()
    taken = take_snapshots(cloud, video.vod_id)
    assert takedown_of(video).state == State.VERIFIED
    assert all(map(is_served, taken.paths))
    tell(video)
    work()
    work_now()
    assert Takedown.objects.count() == 1
    assert_gone(video, taken.paths)
    assert {file["path"] for file in Evidence.objects.get().files} >= set(taken.paths)


def test_the_proof_finds_the_pictures_of_a_lost_event(cloud: LocalVod) -> None:
    video = published(cloud)
    block(video)
    work_one("create_audit")
    taken = take_snapshots(cloud, video.vod_id)
    work()
    work_now()
    assert_gone(video, taken.paths)


@pytest.mark.parametrize("kind", ["SpriteSnapshot", "CoverSnapshot"])
def test_the_proof_finds_pictures_of_each_type(cloud: LocalVod, kind: str) -> None:
    """An upload has a sprite and a first frame, which no fact of the video names."""
    video = published(cloud)
    taken = take_snapshots(cloud, video.vod_id, kind=kind)
    block(video)
    work()
    work_now()
    assert_gone(video, taken.paths)


def test_pictures_are_read_again_before_a_deletion(cloud: LocalVod) -> None:
    video = published(cloud)
    delete_video(video)
    taken = take_snapshots(cloud, video.vod_id)
    work()
    work_now()
    assert_gone(video, taken.paths)
    assert cloud.state(video.vod_id)["video"] is None


def close_by_block(video: Video) -> None:
    block(video)


def close_by_deletion(video: Video) -> None:
    delete_video(video)


def lose_in_vod(video: Video) -> None:
    vod_gateway().delete([video.vod_id])
    mirror.remove_videos([video.vod_id])


@pytest.mark.parametrize("close", [close_by_block, close_by_deletion, lose_in_vod])
@pytest.mark.parametrize("moment", ["before", "while it waits", "after"])
def test_an_event_tells_of_a_job_that_vod_lists_no_longer(
    cloud: LocalVod, close: Callable[[Video], None], moment: str
) -> None:
    video = published(cloud)
    jobs = [take_snapshots(cloud, video.vod_id) for _ in range(2)]
    paths = [path for job in jobs for path in job.paths]
    events = [job.event for job in jobs]
    if moment == "before":
        receive_bodies(events)
        work()
    close(video)
    if moment == "while it waits":
        receive_bodies(events)
    work()
    work_now()
    if moment == "after":
        receive_bodies(events)
        work()
        work_now()
    assert_gone(video, paths)


def test_a_stale_reading_still_tells_of_pictures(cloud: LocalVod) -> None:
    video = published(cloud)
    facts = vod_gateway().get_info(video.vod_id)
    vod_gateway().update_info(video.vod_id, title="Changed")
    read_again(video)
    picture = MediaPath(f"{cloud.endpoint}/{video.vod_id}/late.jpg")
    mirror.apply(mirror.Reading(facts, pictures=(picture,)))
    row = Video.objects.get()
    assert (row.title, row.further_media[-1]["path"]) == ("Changed", picture)


def test_a_picture_of_a_block_undone_is_not_purged(cloud: LocalVod) -> None:
    video = published(cloud)
    taken = take_snapshots(cloud, video.vod_id)
    block(video)
    approve(video)
    receive_bodies([taken.event])
    work()
    work_now()
    assert all(map(is_served, taken.paths))
    assert takedown_of(video).state == State.REVERSED


def test_a_refusal_to_list_pictures_is_said(cloud: LocalVod) -> None:
    video = published(cloud)
    refusal = {"operation": "ListSnapshots", "kind": "error", "code": "Forbidden"}
    cloud.faults({**refusal, "status": 403})
    block(video)
    work()
    work_now()
    row = takedown_of(video)
    assert row.state == State.VERIFIED
    assert row.problem == "VOD has not told which pictures it made of the clip."


def event_of(video_id: str, *infos: Any) -> VodEvent:
    body = {"SnapshotInfos": list(infos)}
    return VodEvent(event_type="SnapshotComplete", media_id=video_id, body=body)


@pytest.mark.parametrize(
    "regular",
    [
        "http://elsewhere.example.com/clip/{SnapshotCount}.jpg",
        "http://media.example.com/other/{SnapshotCount}.jpg",
        "http://media.example.com/clip/{SnapshotCount}.mp4",
        None,
        7,
    ],
)
def test_a_forged_event_purges_no_file_of_another_clip(regular: Any) -> None:
    info = {"SnapshotRegular": regular, "SnapshotCount": 2}
    assert reported_pictures(event_of("clip", info)) == []


def test_an_event_reports_pictures_by_a_pattern() -> None:
    good = {"SnapshotRegular": "http://media.example.com/clip/{SnapshotCount}.jpg?auth_key=1"}
    found = reported_pictures(event_of("clip", {**good, "SnapshotCount": 2}, "odd", {}))
    assert found == ["media.example.com/clip/00001.jpg", "media.example.com/clip/00002.jpg"]
    assert len(reported_pictures(event_of("clip", {**good, "SnapshotCount": 10**9}))) == 200


def test_reported_pictures_drop_no_media(cloud: LocalVod) -> None:
    video = published(cloud)
    kept = [{"kind": "play", "path": f"media.example.com/{n}.mp4"} for n in range(499)]
    Video.objects.filter(pk=video.pk).update(further_media=kept)
    receive_bodies([take_snapshots(cloud, video.vod_id).event])
    work()
    row = Video.objects.get()
    assert row.further_media[:499] == kept
    assert len(row.further_media) == MAX_FURTHER_MEDIA
    block(row)
    work()
    work_now()
    assert "Too many pictures: 1 of them are not purged." in takedown_of(row).problem
