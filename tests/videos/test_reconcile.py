"""Each kind of drift: found without a write, healed, and not found again."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone
from pytest_django import Settings

from shortvideo.cloud import retry, vod_gateway
from shortvideo.outbox.models import PREDECESSOR_GIVEN_UP, Delivery, DeliveryState
from shortvideo.outbox.worker import work_until_idle
from tests.factories import make_file, make_video
from tests.support.localvod import LocalVod
from tests.videos.reconciling import (
    DRIFTS,
    block_in_console,
    decide,
    end,
    everything,
    found,
    give_pass_up_during_transcoding,
    give_to_another_uploader,
    lose_block,
    lose_deletion,
    lose_pass_after_block,
    reconcile,
    synced,
    work,
)
from videos import mirror
from videos.models import (
    CensorStatus,
    Decision,
    ReviewDecision,
    Video,
    VideoDeletion,
)
from videos.reconcile.checks import Scope
from videos.reconcile.drift import Drift, Kind, Resolution
from videos.reconcile.running import _confirm

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _no_long_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "PAUSES_SECONDS", (0.01, 0.01))


NO_HISTORY: dict[str, Any] = {
    "operation": "GetAuditHistory", "kind": "error", "status": 404, "code": "InvalidVideo.NotFound",
}  # fmt: skip


@pytest.mark.parametrize(("make", "kind"), DRIFTS, ids=lambda item: getattr(item, "__name__", item))
def test_drift_is_found_without_a_write_then_healed(
    cloud: LocalVod, make: Callable[[LocalVod], None], kind: str
) -> None:
    synced(cloud)  # a video without drift
    make(cloud)
    before, last_call = everything(), cloud.ledger()[-1]["id"]
    assert found(reconcile()) == {kind: 1}
    assert everything() == before
    assert calls_since(cloud, last_call) <= READING
    healed = reconcile("--heal")
    assert found(healed) == {kind: 1}
    assert healed["counts"][kind]["left"] == 0, healed["examples"]
    work()
    assert found(reconcile()) == {}


READING = {
    "SearchMedia", "GetVideoInfos", "GetPlayInfo", "GetTranscodeTask", "GetAuditHistory",
    "ListSnapshots", "ListTranscodeTask",
}  # fmt: skip


def calls_since(cloud: LocalVod, last_call: int) -> set[str]:
    """Return the operations called after `last_call`."""
    return {call["operation"] for call in cloud.ledger() if call["id"] > last_call}


def test_a_clip_put_into_review_is_no_drift(cloud: LocalVod, settings: Settings) -> None:
    settings.REVIEW_NORMAL = "queue"
    synced(cloud)  # a first import
    call_command("sync_videos", stdout=io.StringIO())
    queued = synced(cloud)
    assert queued.censor_status == CensorStatus.CHECK
    assert found(reconcile()) == {}


def test_the_uploaders_of_both_sides_are_shown(cloud: LocalVod) -> None:
    give_to_another_uploader(cloud)
    [example] = reconcile()["examples"]
    assert (example["here"], example["there"]) == ("uploader: u-2", "uploader: u-1")


def test_a_decision_in_vods_console_is_imported(cloud: LocalVod) -> None:
    block_in_console(cloud)
    reconcile("--heal")
    decision = ReviewDecision.objects.get()
    assert (decision.source, decision.auditor, decision.reason) == ("vod", "Wang", "violence")
    assert decision.video.censor_status == CensorStatus.FAIL
    assert cloud.audits() == []


def test_a_lost_decision_is_delivered_again(cloud: LocalVod) -> None:
    lose_block(cloud)
    video = Video.objects.get()
    assert reconcile("--heal")["counts"]["review"]["under_way"] == 1
    work()
    assert cloud.audits() == [(video.vod_id, "Blocked", "violence")]
    assert cloud.state(video.vod_id)["audits"][-1]["comment"].endswith(
        ReviewDecision.objects.get().mark
    )


def test_our_older_block_in_vod_is_overruled_by_our_pass(cloud: LocalVod) -> None:
    lose_pass_after_block(cloud)
    reconcile("--heal")
    work()
    assert [audit[1] for audit in cloud.audits()] == ["Blocked", "Normal"]
    assert ReviewDecision.objects.count() == 2


@pytest.mark.parametrize("is_given_up", [True, False], ids=["given_up", "lost"])
def test_a_block_that_is_delivered_again_is_purged_again(
    cloud: LocalVod, is_given_up: bool
) -> None:
    decide(synced(cloud), Decision.BLOCKED, reason="violence")
    audit = Delivery.objects.filter(kind="create_audit")
    if is_given_up:
        end(audit, DeliveryState.GIVEN_UP, error_code="AttemptsExhausted")
        end(Delivery.objects.open(), DeliveryState.GIVEN_UP, error_code=PREDECESSOR_GIVEN_UP)
    else:
        end(audit, DeliveryState.DONE)
        end(Delivery.objects.open(), DeliveryState.GIVEN_UP, error_code="AttemptsExhausted")
    reconcile("--heal")
    work_until_idle(30, kinds=["create_audit", "archive_evidence", "purge"])
    [audited], [purged] = cloud.ledger("CreateAudit"), cloud.ledger("RefreshObjectCaches")
    assert audited["id"] < purged["id"]


def test_a_decision_that_vod_has_but_does_not_show_is_left(cloud: LocalVod) -> None:
    video = synced(cloud)
    decide(video, Decision.BLOCKED, reason="violence")
    work()
    row = {"VideoId": video.vod_id, "Title": video.title, "Status": "Normal"}
    bodies: dict[str, dict[str, Any]] = {
        "SearchMedia": {"Total": 1, "MediaList": [{"MediaId": video.vod_id, "Video": row}]},
        "GetVideoInfos": {"VideoList": [row]},
    }
    cloud.faults(
        *(
            {
                "operation": name,
                "kind": "body",
                "status": 200,
                "body": json.dumps({"RequestId": "R", **body}),
            }
            for name, body in bodies.items()
        )
    )
    examples = {one["kind"]: one for one in reconcile("--heal")["examples"]}
    assert examples["review"]["outcome"] == "left"
    assert examples["review"]["note"] == "VOD has this decision, and shows another status."
    assert len(cloud.audits()) == 1
    assert not Delivery.objects.open().filter(kind="create_audit").exists()


def test_a_repeated_deletion_keeps_its_operator(cloud: LocalVod) -> None:
    lose_deletion(cloud)
    reconcile("--heal")
    work()
    first, second = VideoDeletion.objects.order_by("id")
    assert second.operator == first.operator
    assert second.state == VideoDeletion.State.DONE
    assert cloud.state(second.video.vod_id)["deleted_at"]


def test_a_deleted_video_that_is_back_in_vod_is_left(cloud: LocalVod) -> None:
    video = synced(cloud)
    mirror.remove_videos([video.vod_id])
    printed = reconcile("--heal")
    assert printed["counts"] == {"returned": {"found": 1, "healed": 0, "under_way": 0, "left": 1}}
    assert printed["examples"][0]["vod_id"] == video.vod_id
    assert not Video.objects.visible().exists()
    assert cloud.state(video.vod_id)["video"]


def test_every_file_is_compared_with_the_files_option(cloud: LocalVod) -> None:
    video = synced(cloud)
    other = [*video.files, make_file("media.example.com/other.mp4")]
    Video.objects.filter(pk=video.pk).update(files=other)
    assert found(reconcile()) == {}
    assert found(reconcile("--files")) == {"files": 1}
    assert reconcile("--files", "--heal")["left_count"] == 0
    video.refresh_from_db()
    assert video.files != other
    assert found(reconcile("--files")) == {}


def test_an_unreadable_answer_is_drift_that_is_not_healed(cloud: LocalVod) -> None:
    good, bad = synced(cloud), synced(cloud)
    vod_gateway().update_info(bad.vod_id, title="Renamed")
    body = {"RequestId": "R", "VideoList": [{"VideoId": bad.vod_id}]}
    cloud.faults(
        {"operation": "GetVideoInfos", "kind": "body", "status": 200, "body": json.dumps(body)}
    )
    assert found(reconcile("--heal")) == {"unreadable": 2}  # nothing is said about the good one
    bad.refresh_from_db()
    assert bad.title != "Renamed"
    assert Video.objects.visible().filter(pk__in=[good.pk, bad.pk]).count() == 2


def test_a_video_that_is_unreadable_in_both_answers_counts_once(cloud: LocalVod) -> None:
    bad = synced(cloud)
    row = {"VideoId": bad.vod_id}
    listed = {"RequestId": "R", "Total": 1, "MediaList": [{"MediaType": "video", "Video": row}]}
    asked = {"RequestId": "R", "VideoList": [row]}
    fault = {"kind": "body", "status": 200}
    cloud.faults({**fault, "operation": "SearchMedia", "body": json.dumps(listed)})
    assert found(reconcile()) == {}, "read by its id, the video does not differ"
    cloud.faults(
        {**fault, "operation": "SearchMedia", "body": json.dumps(listed)},
        {**fault, "operation": "GetVideoInfos", "body": json.dumps(asked)},
    )
    printed = reconcile("--heal")
    assert found(printed) == {"unreadable": 1}
    assert [one["vod_id"] for one in printed["examples"]] == [bad.vod_id]


def test_a_listed_row_without_an_id_is_unreadable(cloud: LocalVod) -> None:
    listed = {"RequestId": "R", "Total": 1, "MediaList": [{"Video": {"Title": "?"}}]}
    cloud.faults(
        {"operation": "SearchMedia", "kind": "body", "status": 200, "body": json.dumps(listed)}
    )
    assert found(reconcile()) == {"unreadable": 1}


def test_a_history_refused_while_healing_does_not_end_the_run(cloud: LocalVod) -> None:
    """The refusal becomes a note at that video; the others are healed."""
    lose_block(cloud)
    renamed = synced(cloud)
    vod_gateway().update_info(renamed.vod_id, title="Renamed")
    cloud.faults({**NO_HISTORY, "skip": 1})  # the first reading succeeds
    printed = reconcile("--heal")
    assert printed["counts"]["facts"]["healed"] == 1
    [review] = [one for one in printed["examples"] if one["kind"] == "review"]
    assert (review["outcome"], printed["left_count"]) == ("left", 1)
    assert "InvalidVideo.NotFound" in review["note"]
    cloud.faults()
    assert reconcile("--heal")["counts"]["review"]["under_way"] == 1


def test_a_history_refused_after_the_delivery_is_noted(cloud: LocalVod) -> None:
    give_pass_up_during_transcoding(cloud)
    cloud.faults(NO_HISTORY)
    now = timezone.now()
    sent = Drift(Kind.REVIEW, Video.objects.get().vod_id, outcome=Resolution.UNDER_WAY)
    [drift] = _confirm([sent], set(), Scope(started_at=now, imported_at=now))
    assert drift.outcome == Resolution.LEFT
    assert "InvalidVideo.NotFound" in drift.note


def test_an_id_that_vod_refuses_does_not_stop_the_others(cloud: LocalVod) -> None:
    renamed = synced(cloud)
    vod_gateway().update_info(renamed.vod_id, title="Renamed")
    make_video(vod_id="not an id")
    refusal = {
        "operation": "GetVideoInfos", "kind": "error", "times": 1, "status": 400,
        "code": "InvalidParameter",
    }  # fmt: skip
    cloud.faults(refusal, {**refusal, "skip": 1})  # refuses both ids, then the second alone
    assert found(reconcile()) == {"facts": 1, "unreadable": 1}


def test_a_video_with_a_different_creation_time_counts_once(cloud: LocalVod) -> None:
    cloud.catalogue(120)
    call_command("sync_videos", stdout=io.StringIO())
    rows = list(Video.objects.order_by("creation_time"))
    Video.objects.filter(pk__in=[video.pk for video in rows[:25]]).update(title="Corrupt")
    Video.objects.filter(pk=rows[0].pk).update(creation_time=rows[-1].creation_time)
    assert found(reconcile()) == {"facts": 25}
