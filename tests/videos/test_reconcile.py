"""Each kind of drift: found without writing anything, mended, and not found again."""

import io
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.utils import timezone

from shortvideo.cloud import vod_gateway
from shortvideo.outbox.models import (
    PREDECESSOR_GIVEN_UP,
    Delivery,
    DeliveryQuerySet,
    DeliveryState,
)
from shortvideo.outbox.worker import work_until_idle
from tests.factories import make_file, make_operator, make_video
from tests.support.localvod import LocalVod
from videos import mirror
from videos.fetch import read_later
from videos.models import (
    CensorStatus,
    Decision,
    ReconcileRun,
    ReviewDecision,
    Source,
    TranscodeJob,
    TranscodeKind,
    Video,
    VideoDeletion,
)
from videos.services import delete_video, review_video, submit_transcode
from videos.sync import patience

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _no_long_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PAUSES_SECONDS", (0.01, 0.01))


def synced(cloud: LocalVod, **facts: Any) -> Video:
    """A video that both sides have, everything about it read."""
    vod_id = cloud.seed(**facts)
    call_command("sync_videos", vod_id, stdout=io.StringIO())
    return Video.objects.get(vod_id=vod_id)


def reconcile(*arguments: str) -> dict[str, Any]:
    """What the command prints as JSON, without patience; the counts of each kind found."""
    out = io.StringIO()
    with suppress(CommandError):
        call_command("reconcile", "--json", "--grace=0", "--wait=0", *arguments, stdout=out)
    printed: dict[str, Any] = json.loads(out.getvalue())
    return printed


def found(printed: dict[str, Any]) -> dict[str, int]:
    return {kind: counts["found"] for kind, counts in printed["counts"].items()}


def everything() -> dict[str, list[dict[str, Any]]]:
    """Every table but that of the runs themselves."""
    return {
        model._meta.label: [dict(row) for row in model._default_manager.order_by("pk").values()]
        for model in apps.get_models(include_auto_created=True)
        if model is not ReconcileRun
    }


def work() -> None:
    """What brings both sides together is sent; purges and proofs are left waiting."""
    work_until_idle(20, kinds=["create_audit", "delete_video", "read_video"])


def decide(video: Video, decision: Decision, **values: Any) -> ReviewDecision:
    return review_video(
        video, decision=decision, source=Source.ADMIN, operator=make_operator(), **values
    )


def end_deliveries(state: DeliveryState, **values: Any) -> None:
    """As if VOD had accepted them and lost what they carried, or as if they had been given up."""
    end(Delivery.objects.open(), state, **values)


def end(deliveries: DeliveryQuerySet, state: DeliveryState, **values: Any) -> None:
    deliveries.update(state=state, finished_at=timezone.now(), **values)


# The drifts, each made on purpose.


def seed_unheard(cloud: LocalVod) -> None:
    cloud.seed()


def delete_unheard(cloud: LocalVod) -> None:
    vod_gateway().delete([synced(cloud).vod_id])


def rename_there(cloud: LocalVod) -> None:
    vod_gateway().update_info(synced(cloud).vod_id, title="Renamed")


def corrupt_here(cloud: LocalVod) -> None:
    Video.objects.filter(pk=synced(cloud).pk).update(title="Corrupt", duration=1)


def end_transcoding_unheard(cloud: LocalVod) -> None:
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
    """VOD's last entry is our block, marked, and older than the pass."""
    video = synced(cloud)
    decide(video, Decision.BLOCKED, reason="violence")
    work()
    call_command("sync_videos", video.vod_id, stdout=io.StringIO())
    decide(video, Decision.NORMAL)
    end_deliveries(DeliveryState.DONE)


def give_pass_up_while_it_is_transcoded(cloud: LocalVod) -> None:
    decide(synced(cloud, status="Transcoding"), Decision.NORMAL)
    end_deliveries(DeliveryState.GIVEN_UP, error_code="WorkerLost")


def leave_files_unread(cloud: LocalVod) -> None:
    call_command("sync_videos", stdout=io.StringIO())  # what comes later is not old stock
    soon = timezone.now() + timedelta(seconds=5)  # VOD counts whole seconds
    vod_id = cloud.seed(creation_time=f"{soon:%Y-%m-%dT%H:%M:%SZ}")
    mirror.apply(vod_gateway().get_info(vod_id))


def lose_files(cloud: LocalVod) -> None:
    Video.objects.filter(pk=synced(cloud).pk).update(files=[])


def submitted(cloud: LocalVod) -> TranscodeJob:
    job = submit_transcode(synced(cloud), kind=TranscodeKind.NARROWBAND)
    work_until_idle(20, kinds=["submit_transcode"])
    return TranscodeJob.objects.get(pk=job.pk)


def end_job_unheard(cloud: LocalVod) -> None:
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


DRIFTS: list[tuple[Callable[[LocalVod], None], str]] = [
    (seed_unheard, "missing_here"),
    (delete_unheard, "missing_there"),
    (rename_there, "facts"),
    (corrupt_here, "facts"),
    (end_transcoding_unheard, "facts"),
    (block_in_console, "review"),
    (lose_block, "review"),
    (give_block_up, "review"),
    (lose_pass, "review"),
    (lose_pass_after_block, "review"),
    (give_pass_up_while_it_is_transcoded, "review"),
    (leave_files_unread, "files"),
    (lose_files, "files"),
    (end_job_unheard, "job"),
    (lose_job, "job"),
    (lose_deletion, "deletion"),
    (give_deletion_up, "deletion"),
]


@pytest.mark.parametrize(("make", "kind"), DRIFTS, ids=lambda item: getattr(item, "__name__", item))
def test_drift_is_found_without_a_write_then_mended(
    cloud: LocalVod, make: Callable[[LocalVod], None], kind: str
) -> None:
    synced(cloud)  # one that is as it should be
    make(cloud)
    before = everything()
    assert found(reconcile()) == {kind: 1}
    assert everything() == before
    assert cloud_is_untouched(cloud)
    healed = reconcile("--heal")
    assert found(healed) == {kind: 1}
    assert healed["counts"][kind]["left"] == 0, healed["examples"]
    work()
    assert found(reconcile()) == {}


def cloud_is_untouched(cloud: LocalVod) -> bool:
    """Whether the comparison, whose calls are the last ones, has only read."""
    return cloud.ledger()[-1]["operation"] in {
        "SearchMedia", "GetVideoInfos", "GetPlayInfo", "GetTranscodeTask", "GetAuditHistory",
        "ListTranscodeTask",
    }  # fmt: skip


def test_what_a_person_decided_in_the_console_is_imported_with_the_auditor(cloud: LocalVod) -> None:
    block_in_console(cloud)
    reconcile("--heal")
    decision = ReviewDecision.objects.get()
    assert (decision.source, decision.auditor, decision.reason) == ("vod", "Wang", "violence")
    assert decision.video.censor_status == CensorStatus.FAIL
    assert cloud.audits() == []


def test_a_decision_that_never_arrived_is_delivered_as_it_was_made(cloud: LocalVod) -> None:
    lose_block(cloud)
    video = Video.objects.get()
    assert reconcile("--heal")["counts"]["review"]["under_way"] == 1
    work()
    assert cloud.audits() == [(video.vod_id, "Blocked", "violence")]
    assert cloud.state(video.vod_id)["audits"][-1]["comment"].endswith(
        ReviewDecision.objects.get().mark
    )


def test_an_older_block_of_ours_on_top_is_overruled_by_the_standing_pass(cloud: LocalVod) -> None:
    lose_pass_after_block(cloud)
    reconcile("--heal")
    work()
    assert [audit[1] for audit in cloud.audits()] == ["Blocked", "Normal"]
    assert ReviewDecision.objects.count() == 2


@pytest.mark.parametrize("is_given_up", [True, False], ids=["given_up", "lost"])
def test_a_block_that_is_delivered_again_takes_its_purge_along(
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


def test_a_decision_that_vod_has_and_does_not_show_is_left_to_a_person(cloud: LocalVod) -> None:
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


def test_a_deletion_is_repeated_by_whoever_deleted(cloud: LocalVod) -> None:
    lose_deletion(cloud)
    reconcile("--heal")
    work()
    first, second = VideoDeletion.objects.order_by("id")
    assert second.operator == first.operator
    assert second.state == VideoDeletion.State.DONE
    assert cloud.state(second.video.vod_id)["deleted_at"]


def test_a_video_that_was_gone_and_is_back_is_left_to_a_person(cloud: LocalVod) -> None:
    video = synced(cloud)
    mirror.remove([video.vod_id])
    printed = reconcile("--heal")
    assert printed["counts"] == {"returned": {"found": 1, "healed": 0, "under_way": 0, "left": 1}}
    assert printed["examples"][0]["vod_id"] == video.vod_id
    assert not Video.objects.visible().exists()
    assert cloud.state(video.vod_id)["video"]


def test_every_file_is_compared_where_that_is_asked_for(cloud: LocalVod) -> None:
    video = synced(cloud)
    other = [*video.files, make_file("media.example.com/other.mp4")]
    Video.objects.filter(pk=video.pk).update(files=other)
    assert found(reconcile()) == {}
    assert found(reconcile("--files")) == {"files": 1}
    assert reconcile("--files", "--heal")["left_count"] == 0
    video.refresh_from_db()
    assert video.files != other
    assert found(reconcile("--files")) == {}


def test_an_answer_that_makes_no_sense_is_drift_that_nobody_can_mend(cloud: LocalVod) -> None:
    good, bad = synced(cloud), synced(cloud)
    vod_gateway().update_info(bad.vod_id, title="Renamed")
    body = {"RequestId": "R", "VideoList": [{"VideoId": bad.vod_id}]}
    cloud.faults(
        {"operation": "GetVideoInfos", "kind": "body", "status": 200, "body": json.dumps(body)}
    )
    assert found(reconcile("--heal")) == {"unreadable": 1}
    bad.refresh_from_db()
    assert bad.title != "Renamed"
    assert Video.objects.visible().filter(pk__in=[good.pk, bad.pk]).count() == 2


def test_an_id_that_vod_refuses_to_hear_of_stops_no_other(cloud: LocalVod) -> None:
    renamed = synced(cloud)
    vod_gateway().update_info(renamed.vod_id, title="Renamed")
    make_video(vod_id="not an id")
    refusal = {
        "operation": "GetVideoInfos", "kind": "error", "times": 1, "status": 400,
        "code": "InvalidParameter",
    }  # fmt: skip
    cloud.faults(refusal, {**refusal, "skip": 1})  # both together, then the second alone
    assert found(reconcile()) == {"facts": 1, "unreadable": 1}


def test_a_video_whose_time_differs_is_met_twice_and_counted_once(cloud: LocalVod) -> None:
    cloud.catalogue(120)
    call_command("sync_videos", stdout=io.StringIO())
    rows = list(Video.objects.order_by("creation_time"))
    Video.objects.filter(pk__in=[video.pk for video in rows[:25]]).update(title="Corrupt")
    Video.objects.filter(pk=rows[0].pk).update(creation_time=rows[-1].creation_time)
    assert found(reconcile()) == {"facts": 25}


# What is no drift.


def test_a_search_index_that_lags_takes_nothing_away(cloud: LocalVod) -> None:
    synced(cloud)
    body = json.dumps({"RequestId": "R", "Total": 0, "MediaList": []})
    cloud.faults({"operation": "SearchMedia", "kind": "body", "status": 200, "body": body})
    assert found(reconcile("--heal")) == {}
    assert Video.objects.visible().count() == 1


def test_what_is_under_way_is_no_drift(cloud: LocalVod) -> None:
    blocked, deleted, other = (synced(cloud) for _ in range(3))
    decide(blocked, Decision.BLOCKED, reason="violence")
    delete_video(deleted)
    vod_gateway().update_info(other.vod_id, title="Renamed")
    read_later(other.vod_id)
    assert found(reconcile("--heal")) == {}
    assert cloud.ledger("CreateAudit") == cloud.ledger("DeleteVideo") == []


def test_an_undo_window_that_is_open_is_no_drift(cloud: LocalVod) -> None:
    decide(synced(cloud), Decision.BLOCKED, reason="violence")
    Delivery.objects.update(due_at=timezone.now() + timedelta(hours=1))
    assert found(reconcile("--heal")) == {}
    assert Delivery.objects.filter(kind="create_audit").count() == 1


def test_a_row_that_changes_during_the_walk_is_no_drift(cloud: LocalVod) -> None:
    video = synced(cloud)
    vod_gateway().update_info(video.vod_id, title="Renamed")
    Video.objects.update(changed_at=timezone.now() + timedelta(seconds=30))
    assert found(reconcile("--heal")) == {}


def test_a_refused_deletion_is_no_drift(cloud: LocalVod) -> None:
    video = synced(cloud)
    delete_video(video)
    cloud.faults({"operation": "DeleteVideo", "kind": "error", "status": 403, "code": "Forbidden"})
    work_until_idle(20, kinds=["delete_video"])
    assert Video.objects.visible().filter(pk=video.pk).exists()
    assert found(reconcile()) == {}


def test_files_of_old_stock_are_left_until_they_are_needed(cloud: LocalVod) -> None:
    cloud.seed_many([{"creation_time": "2026-01-01T00:00:00Z"} for _ in range(3)])
    call_command("sync_videos", stdout=io.StringIO())
    assert found(reconcile()) == {}
    assert cloud.ledger("GetPlayInfo") == []
    assert found(reconcile("--files")) == {"files": 3}


def test_the_first_reconciliation_takes_old_stock_as_vod_has_it(cloud: LocalVod) -> None:
    cloud.seed_many([{"status": status} for status in ("Normal", "Blocked", "Checking")])
    assert reconcile("--heal")["counts"]["missing_here"]["healed"] == 3
    assert cloud.ledger("GetAuditHistory") == cloud.ledger("GetPlayInfo") == []
    assert found(reconcile()) == {}


# Removals are for good.


def test_nothing_is_taken_away_where_too_much_is_missing(cloud: LocalVod) -> None:
    call_command("sync_videos", stdout=io.StringIO())
    for number in range(12):
        make_video(vod_id=f"of-another-account-{number}")
    printed = reconcile("--heal")
    assert printed["counts"]["missing_there"]["left"] == 12
    assert "is this the right account?" in printed["examples"][0]["note"]
    assert Video.objects.visible().count() == 12
    assert reconcile("--heal", "--max-removals=12")["left_count"] == 0
    assert not Video.objects.visible().exists()


# Both sides at once.


def test_hundreds_in_one_second_are_merged_without_a_false_alarm(cloud: LocalVod) -> None:
    cloud.seed_many([{"creation_time": "2026-01-01T00:00:00Z"} for _ in range(210)])
    call_command("sync_videos", stdout=io.StringIO())
    infos = len(cloud.ledger("GetVideoInfos"))
    printed = reconcile()
    assert (printed["here_count"], printed["there_count"], printed["counts"]) == (210, 210, {})
    assert len(cloud.ledger("GetVideoInfos")) == infos, "no suspect at all"


def test_a_walk_that_must_begin_again_counts_each_video_once(cloud: LocalVod) -> None:
    cloud.catalogue(220)
    cloud.faults(
        {
            "operation": "SearchMedia", "kind": "error", "times": 1, "skip": 2, "status": 400,
            "code": "InvalidScrollToken.Expired",
        }
    )  # fmt: skip
    printed = reconcile("--heal")
    assert printed["there_count"] == 220
    assert printed["counts"]["missing_here"]["healed"] == 220
    assert Video.objects.count() == 220


def test_single_losses_are_found_anywhere_in_the_order(cloud: LocalVod) -> None:
    cloud.catalogue(220)
    call_command("sync_videos", stdout=io.StringIO())
    rows = list(Video.objects.order_by("creation_time"))
    absent = [rows[index] for index in (0, 99, 100, 101, 200, 219)]
    Video.objects.filter(pk__in=[video.pk for video in absent]).delete()
    gone = [rows[index].vod_id for index in (1, 98, 102, 199, 201, 218)]
    vod_gateway().delete(gone)
    printed = reconcile()
    assert found(printed) == {"missing_here": 6, "missing_there": 6}
    named = {(one["kind"], one["vod_id"]) for one in printed["examples"]}
    assert named == {
        *(("missing_here", video.vod_id) for video in absent),
        *(("missing_there", vod_id) for vod_id in gone),
    }
