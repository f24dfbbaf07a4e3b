"""Each kind of drift: found without a write, healed, and not found again."""

import io
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone
from pytest_django import Settings

from shortvideo.cloud import retry, vod_gateway
from shortvideo.outbox.models import PREDECESSOR_GIVEN_UP, Delivery, DeliveryState
from shortvideo.outbox.worker import work_until_idle
from tests.factories import make_file, make_operator, make_uploader, make_video
from tests.support.localvod import LocalVod
from tests.videos.reconciling import (
    decide,
    end,
    end_deliveries,
    everything,
    found,
    reconcile,
    synced,
    work,
)
from videos import mirror
from videos.models import (
    CensorStatus,
    Decision,
    ReviewDecision,
    TranscodeJob,
    TranscodeKind,
    Video,
    VideoDeletion,
)
from videos.reconcile.checks import Scope
from videos.reconcile.drift import Drift, Kind, Resolution
from videos.reconcile.running import _confirm
from videos.services import delete_video, submit_transcode

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _no_long_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "PAUSES_SECONDS", (0.01, 0.01))


# Functions that make each kind of drift.


def seed_without_event(cloud: LocalVod) -> None:
    cloud.seed()


def delete_without_event(cloud: LocalVod) -> None:
    vod_gateway().delete([synced(cloud).vod_id])


def rename_in_vod(cloud: LocalVod) -> None:
    vod_gateway().update_info(synced(cloud).vod_id, title="Renamed")


def corrupt_row(cloud: LocalVod) -> None:
    Video.objects.filter(pk=synced(cloud).pk).update(title="Corrupt", duration=1)


def give_to_another_uploader(cloud: LocalVod) -> None:
    video = synced(cloud, uploader={"userId": "u-1", "userName": "Mei"})
    Video.objects.filter(pk=video.pk).update(uploader=make_uploader(user_id="u-2"))


def put_back_into_review(cloud: LocalVod) -> None:
    Video.objects.filter(pk=synced(cloud).pk).update(censor_status=CensorStatus.CHECK)


def miss_the_end_of_the_review(cloud: LocalVod) -> None:
    video = synced(cloud, status="Blocked")
    Video.objects.filter(pk=video.pk).update(censor_status=CensorStatus.ON_CENSOR, blocked_at=None)


def end_transcoding_without_event(cloud: LocalVod) -> None:
    Video.objects.filter(pk=synced(cloud, status="Checking").pk).update(
        status="Transcoding", transcode_status="onTranscode", censor_status="onCensor", files=[]
    )


def block_in_console(cloud: LocalVod) -> None:
    cloud.audit_in_console(synced(cloud).vod_id, "Blocked", "violence", auditor="Wang")


def lose_block(cloud: LocalVod) -> None:
    decide(synced(cloud), Decision.BLOCKED, reason="violence")
    end_deliveries(DeliveryState.DONE)


def give_block_up(cloud: LocalVod) -> None:
    decide(synced(cloud), Decision.BLOCKED, reason="violence")
    end_deliveries(DeliveryState.GIVEN_UP, error_code="AttemptsExhausted")


def lose_pass(cloud: LocalVod) -> None:
    decide(synced(cloud, status="Checking"), Decision.NORMAL)
    end_deliveries(DeliveryState.DONE)


def lose_pass_after_block(cloud: LocalVod) -> None:
    """VOD's last entry is our marked block, which is older than our pass."""
    video = synced(cloud)
    decide(video, Decision.BLOCKED, reason="violence")
    work()
    call_command("sync_videos", video.vod_id, stdout=io.StringIO())
    decide(video, Decision.NORMAL)
    end_deliveries(DeliveryState.DONE)


def give_pass_up_during_transcoding(cloud: LocalVod) -> None:
    decide(synced(cloud, status="Transcoding"), Decision.NORMAL)
    end_deliveries(DeliveryState.GIVEN_UP, error_code="WorkerLost")


def leave_files_unread(cloud: LocalVod) -> None:
    call_command("sync_videos", stdout=io.StringIO())  # later videos do not count as old stock
    soon = timezone.now() + timedelta(seconds=5)  # VOD counts whole seconds
    vod_id = cloud.seed(creation_time=f"{soon:%Y-%m-%dT%H:%M:%SZ}")
    mirror.apply(vod_gateway().get_info(vod_id))


def lose_files(cloud: LocalVod) -> None:
    Video.objects.filter(pk=synced(cloud).pk).update(files=[])


def submitted(cloud: LocalVod) -> TranscodeJob:
    job = submit_transcode(synced(cloud), kind=TranscodeKind.NARROWBAND)
    work_until_idle(20, kinds=["submit_transcode"])
    return TranscodeJob.objects.get(pk=job.pk)


def end_job_without_event(cloud: LocalVod) -> None:
    submitted(cloud)
    cloud.idle()


def lose_job(cloud: LocalVod) -> None:
    hours_ago = timezone.now() - timedelta(hours=2)
    job = submitted(cloud)
    TranscodeJob.objects.filter(pk=job.pk).update(task_id="forgotten", created_at=hours_ago)


def lose_deletion(cloud: LocalVod) -> None:
    delete_video(synced(cloud), operator=make_operator())
    VideoDeletion.objects.update(state=VideoDeletion.State.DONE)
    end_deliveries(DeliveryState.DONE)


def give_deletion_up(cloud: LocalVod) -> None:
    delete_video(synced(cloud), operator=make_operator())
    end_deliveries(DeliveryState.GIVEN_UP, error_code="AttemptsExhausted")


NO_HISTORY: dict[str, Any] = {
    "operation": "GetAuditHistory", "kind": "error", "status": 404, "code": "InvalidVideo.NotFound",
}  # fmt: skip

DRIFTS: list[tuple[Callable[[LocalVod], None], str]] = [
    (seed_without_event, "missing_here"),
    (delete_without_event, "missing_there"),
    (rename_in_vod, "facts"),
    (corrupt_row, "facts"),
    (give_to_another_uploader, "facts"),
    (put_back_into_review, "review"),
    (miss_the_end_of_the_review, "review"),
    (end_transcoding_without_event, "facts"),
    (block_in_console, "review"),
    (lose_block, "review"),
    (give_block_up, "review"),
    (lose_pass, "review"),
    (lose_pass_after_block, "review"),
    (give_pass_up_during_transcoding, "review"),
    (leave_files_unread, "files"),
    (lose_files, "files"),
    (end_job_without_event, "job"),
    (lose_job, "job"),
    (lose_deletion, "deletion"),
    (give_deletion_up, "deletion"),
]


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
