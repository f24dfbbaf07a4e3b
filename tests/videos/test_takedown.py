"""A takedown is a chain of deliveries; its last step verifies it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django.fixtures import Settings

from shortvideo.cloud import media_gateway, vod_gateway
from shortvideo.cloud.types import MediaPath
from shortvideo.errors import InvalidState
from shortvideo.outbox import services as outbox
from shortvideo.outbox.models import DeliveryState
from tests.factories import make_video
from tests.support.localvod import LocalVod
from tests.videos.takedowns import (
    CHAIN,
    approve,
    block,
    delivery_of,
    published,
    served_paths,
    takedown_of,
    work,
    work_now,
    work_one,
)
from videos import mirror
from videos.deliveries.video import read_files
from videos.mirror import asking
from videos.mirror.asking import EVERYTHING
from videos.models import (
    CdnTask,
    CensorStatus,
    Evidence,
    Source,
    Takedown,
    Video,
    VideoDeletion,
)
from videos.services import delete_video, media_paths, undo_review

pytestmark = pytest.mark.django_db(transaction=True)
State = Takedown.State


def chain_of(takedown: Takedown) -> list[str]:
    """Return the kinds of its deliveries, first to last."""
    kinds: list[str] = []
    delivery = takedown.verification
    while delivery is not None:
        kinds.insert(0, delivery.kind)
        delivery = delivery.after
    return kinds


def test_a_block_is_sent_archived_purged_and_verified_in_order(cloud: LocalVod) -> None:
    video = published(cloud)
    assert served_paths(video) == media_paths(video)
    block(video)
    takedown = takedown_of(video)
    assert (takedown.state, chain_of(takedown)) == (State.UNDER_WAY, CHAIN)
    work()
    takedown.refresh_from_db()
    assert (takedown.state, takedown.problem) == (State.VERIFIED, "")
    assert takedown.verified_at is not None
    assert served_paths(video) == []
    assert Evidence.objects.get().problem == ""
    finished = [delivery_of(video, kind).finished_at for kind in CHAIN]
    assert all(finished)
    assert finished == sorted(finished)  # type: ignore[type-var]  # none of them is None


def test_a_deletion_is_verified_when_nothing_is_left(
    cloud: LocalVod,
) -> None:
    video = published(cloud)
    delete_video(video)
    takedown = takedown_of(video)
    assert chain_of(takedown) == ["delete_video", "purge", "verify_takedown"]
    work()
    takedown.refresh_from_db()
    assert (takedown.cause, takedown.state) == (Takedown.Cause.DELETION, State.VERIFIED)
    assert served_paths(video) == []
    assert not Evidence.objects.exists()


def make_old_stock(cloud: LocalVod) -> tuple[Video, list[str]]:
    """Make a first import's video with unread streams. Returns it and the paths the CDN serves."""
    video = published(cloud)
    paths = media_paths(video)
    Video.objects.filter(pk=video.pk).update(files=[], files_read_at=None, source_path="")
    video.refresh_from_db()
    return video, [path for path in paths if is_served(path)]


def is_served(path: str) -> bool:
    return media_gateway().is_served(MediaPath(path))


def test_unread_streams_are_purged_before_a_block_is_verified(
    cloud: LocalVod,
) -> None:
    video, issued = make_old_stock(cloud)
    assert len(issued) > len(media_paths(video))
    block(video)
    work()
    work_now()
    takedown = takedown_of(video)
    assert (takedown.state, takedown.problem) == (State.VERIFIED, "")
    assert Video.objects.get(pk=video.pk).files_read_at is not None
    assert not any(map(is_served, issued))


def test_streams_read_for_a_takedown_move_changed_at(
    cloud: LocalVod,
) -> None:
    video, _ = make_old_stock(cloud)
    before = video.changed_at
    read_files([video.vod_id])
    video.refresh_from_db()
    assert video.files != []
    assert video.changed_at > before


def test_streams_of_an_earlier_source_are_not_written(
    cloud: LocalVod, monkeypatch: pytest.MonkeyPatch
) -> None:
    video, _ = make_old_stock(cloud)
    block(video)
    ask = asking.fetch_reading

    def read_while_the_source_changes(*asked: Any) -> mirror.Reading:
        reading = ask(*asked)
        now, size = timezone.now(), (reading.facts.size or 0) + 1
        mirror.apply(replace(reading.facts, read_at=now, size=size))
        return reading

    monkeypatch.setattr(asking, "fetch_reading", read_while_the_source_changes)
    read_files([video.vod_id])
    video.refresh_from_db()
    assert (video.source_version, video.files, video.files_read_at) == (2, [], None)


def test_a_block_is_not_verified_while_its_streams_are_unread(cloud: LocalVod) -> None:
    video, _ = make_old_stock(cloud)
    refusal = {"kind": "error", "code": "Forbidden", "status": 403}
    cloud.faults(
        {"operation": "GetPlayInfo", **refusal}, {"operation": "ListTranscodeTask", **refusal}
    )
    block(video)
    work()
    for _ in range(3):
        work_now()
    takedown = takedown_of(video)
    assert takedown.state == State.FAILED
    assert takedown.problem == "VOD has not told which streams the clip has."


def test_unread_streams_are_read_before_the_deletion_in_vod(
    cloud: LocalVod,
) -> None:
    video, issued = make_old_stock(cloud)
    delete_video(video)
    work()
    work_now()
    takedown = takedown_of(video)
    assert (takedown.state, takedown.problem) == (State.VERIFIED, "")
    assert not any(map(is_served, issued))


def test_a_takedown_notes_a_deletion_before_streams_were_read(
    cloud: LocalVod,
) -> None:
    video, _ = make_old_stock(cloud)
    vod_gateway().delete([video.vod_id])
    mirror.remove_videos([video.vod_id])
    work()
    takedown = takedown_of(video)
    assert takedown.state == State.VERIFIED
    assert "before its streams were known" in takedown.problem


def test_a_block_made_by_vod_itself_is_purged_at_once(cloud: LocalVod) -> None:
    video = published(cloud)
    cloud.audit_in_console(video.vod_id, "Blocked", "seen")
    read_again(video)
    takedown = takedown_of(video)
    assert (takedown.cause, chain_of(takedown)) == (Takedown.Cause.VOD, CHAIN[1:])
    work()
    takedown.refresh_from_db()
    assert takedown.state == State.VERIFIED
    assert not cloud.ledger("CreateAudit")


def test_an_equal_block_in_vods_console_cannot_be_undone(
    cloud: LocalVod, settings: Settings
) -> None:
    settings.REVIEW_UNDO_SECONDS = 60
    video = published(cloud)
    ours = block(video, source=Source.ADMIN, reason="seen")
    cloud.set_ahead(5)  # VOD's times are whole seconds
    cloud.audit_in_console(video.vod_id, "Blocked", "seen")
    read_again(video)
    theirs = video.decisions.get(source=Source.VOD)
    with pytest.raises(InvalidState, match="There is another decision"):
        undo_review(ours)
    work_now()
    takedown = takedown_of(video)
    assert (takedown.decision, takedown.state) == (theirs, State.VERIFIED)
    assert served_paths(video) == []
    assert cloud.audits() == [], "not sent to VOD"


def read_again(video: Video) -> None:
    with transaction.atomic():
        outbox.send("read_video", subject=video.vod_id)
    work()


def test_a_video_deleted_in_vod_is_purged_and_verified(cloud: LocalVod) -> None:
    video = published(cloud)
    vod_gateway().delete([video.vod_id])
    mirror.remove_videos([video.vod_id])
    work()
    assert takedown_of(video).state == State.VERIFIED
    assert served_paths(video) == []


def test_a_refused_block_fails_with_vods_code_and_sentence(cloud: LocalVod) -> None:
    video = make_video(vod_id="unknown-to-vod")
    block(video)
    work()
    takedown, audit = takedown_of(video), delivery_of(video, "create_audit")
    assert audit.error_code == "InvalidVideo.NotFound"
    assert (takedown.state, takedown.problem) == (State.FAILED, audit.error)


def test_a_pass_reverses_the_takedown_and_stops_the_purge(cloud: LocalVod) -> None:
    video = published(cloud)
    cloud.faults({"operation": "RefreshObjectCaches", "kind": "error"})
    block(video)
    for kind in ("create_audit", "archive_evidence", "purge"):
        work_one(kind)
    assert delivery_of(video, "purge").state == DeliveryState.WAITING
    approve(video)
    cloud.faults()
    work_now()
    takedown = takedown_of(video)
    assert takedown.state == State.REVERSED
    assert not cloud.ledger("RefreshObjectCaches", accepted=True)
    assert delivery_of(video, "verify_takedown").state == DeliveryState.SUPERSEDED
    assert CdnTask.objects.get().state == CdnTask.State.SUPERSEDED


def test_a_block_for_another_reason_replaces_the_takedown(cloud: LocalVod) -> None:
    video = published(cloud)
    block(video)
    block(video, reason="spam")
    work()
    states = list(Takedown.objects.order_by("id").values_list("state", flat=True))
    assert states == [State.REPLACED, State.VERIFIED]


def test_a_deletion_right_after_a_block_waits_for_the_evidence(cloud: LocalVod) -> None:
    video = published(cloud)
    block(video)
    delete_video(video)
    takedown = takedown_of(video)
    assert chain_of(takedown) == [
        "archive_evidence", "delete_video", "purge", "verify_takedown"
    ]  # fmt: skip
    work()
    evidence = Evidence.objects.get()
    assert (evidence.problem, len(evidence.files)) == ("", 3)
    assert evidence.expires_at is not None
    states = list(Takedown.objects.order_by("id").values_list("state", flat=True))
    assert states == [State.REPLACED, State.VERIFIED]
    assert cloud.state(video.vod_id)["video"] is None


def test_a_refused_deletion_resumes_the_takedown_of_the_block(
    cloud: LocalVod,
) -> None:
    video = published(cloud)
    block(video)
    cloud.faults({"operation": "DeleteVideo", "kind": "error", "code": "Forbidden", "status": 403})
    delete_video(video)
    work()
    video.refresh_from_db()
    assert (video.deleted_at, video.censor_status) == (None, CensorStatus.FAIL)
    assert VideoDeletion.objects.get().state == VideoDeletion.State.REFUSED
    of_block, of_deletion = Takedown.objects.order_by("id")
    assert (of_block.state, of_deletion.state) == (State.VERIFIED, State.REVERSED)
    assert of_deletion.problem == delivery_of(video, "delete_video").error != ""
    assert Evidence.objects.get().expires_at is None


def test_another_source_ends_the_takedown_and_purges_its_media(
    cloud: LocalVod,
) -> None:
    video = published(cloud)
    earlier = media_paths(video)
    block(video)
    Video.objects.filter(pk=video.pk).update(size=1)  # differs from VOD's source
    mirror.apply(asking.fetch_facts([video.vod_id])[0].values())
    work()
    takedown = takedown_of(video)
    assert (takedown.state, takedown.problem[:14]) == (State.REPLACED, "Another source")
    purge = CdnTask.objects.filter(takedown=None).get()
    assert (purge.urls, purge.state) == (earlier, CdnTask.State.SUBMITTED)
    assert Evidence.objects.get().source_version == 1


def test_a_first_import_of_blocked_videos_starts_no_takedown(cloud: LocalVod) -> None:
    vod_id = cloud.seed(status="Blocked", cover=True)
    facts, _ = asking.fetch_facts([vod_id])
    mirror.apply(
        asking.fetch_reading(facts[vod_id], None, EVERYTHING),
        backlog_until=timezone.now() + timedelta(minutes=1),
    )
    assert Video.objects.get().censor_status == CensorStatus.FAIL
    assert not Takedown.objects.exists()
