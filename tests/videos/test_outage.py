"""Only a refusal of VOD takes a decision back; an outage or a fault of ours does not."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from recommendations.models import Recommendation
from shortvideo.outbox.models import Delivery, DeliveryState
from shortvideo.outbox.worker import send_batch
from tests.factories import make_video
from tests.support.localvod import LocalVod
from videos.models import (
    CensorStatus,
    Decision,
    Source,
    TranscodeJob,
    TranscodeKind,
    Video,
    VideoDeletion,
)
from videos.services import DecisionInput, delete_video, review_video, submit_transcode

pytestmark = pytest.mark.django_db(transaction=True)

DOWN: dict[str, Any] = {"kind": "error"}
BAD_KEY: dict[str, Any] = {"kind": "error", "status": 404, "code": "InvalidAccessKeyId.NotFound"}
ATTEMPTS = 2


@pytest.fixture(autouse=True)
def _few_attempts(settings: Settings) -> None:
    settings.OUTBOX_MAX_ATTEMPTS = ATTEMPTS


def mirrored(vod: LocalVod, **values: Any) -> Video:
    return make_video(vod_id=vod.seed(status="Checking"), status="Checking", **values)


def work(kind: str, rounds: int = ATTEMPTS + 2) -> Delivery:
    for _ in range(rounds):
        Delivery.objects.waiting().update(due_at=timezone.now() - timedelta(seconds=1))
        send_batch(kind)
    return Delivery.objects.get(kind=kind)


@pytest.mark.parametrize("fault", [DOWN, BAD_KEY], ids=["down", "bad key"])
def test_a_deletion_outlives_a_long_outage(cloud: LocalVod, fault: dict[str, Any]) -> None:
    video = mirrored(cloud, recommended=True)
    delete_video(video)
    cloud.faults(fault)
    delivery = work("delete_video")
    assert (delivery.state, delivery.attempts) == (DeliveryState.WAITING, ATTEMPTS + 2)
    assert delivery.error
    video.refresh_from_db()
    assert video.deleted_at is not None
    assert not Recommendation.objects.published().exists()
    cloud.faults()
    assert work("delete_video", 1).state == DeliveryState.DONE
    assert VideoDeletion.objects.get().state == VideoDeletion.State.DONE


@pytest.mark.parametrize("decision", [Decision.NORMAL, Decision.BLOCKED])
def test_a_decision_outlives_a_long_outage(cloud: LocalVod, decision: Decision) -> None:
    video = mirrored(cloud, censor_status=CensorStatus.CHECK)
    review_video(video, DecisionInput(decision, Source.API, reason="seen"))
    cloud.faults(BAD_KEY)
    assert work("create_audit").state == DeliveryState.WAITING
    video.refresh_from_db()
    assert (video.decisions.count(), video.censor_status != CensorStatus.CHECK) == (1, True)
    cloud.faults()
    work("create_audit", 1)
    assert cloud.audits() == [(video.vod_id, decision.value, "seen")]


def give_up(delivery: Delivery) -> None:
    """Let the delivery reach the limit of dead workers; the next claim gives it up."""
    Delivery.objects.filter(pk=delivery.pk).update(fault_count=ATTEMPTS)


def test_a_delivery_that_kills_workers_keeps_its_decision(
    cloud: LocalVod, settings: Settings
) -> None:
    settings.VOD_TRANSCODE_TEMPLATE_GROUP_ID = "a-group"
    gone, passed, transcoded = (mirrored(cloud, censor_status=CensorStatus.CHECK) for _ in range(3))
    delete_video(gone)
    review_video(passed, DecisionInput(Decision.NORMAL, Source.API))
    submit_transcode(transcoded, kind=TranscodeKind.STANDARD)
    for kind in ("delete_video", "create_audit", "submit_transcode"):
        give_up(Delivery.objects.get(kind=kind))
        delivery = work(kind, 1)
        assert (delivery.state, delivery.error_code) == (DeliveryState.GIVEN_UP, "WorkerLost")
    gone.refresh_from_db()
    passed.refresh_from_db()
    assert gone.deleted_at is not None
    assert passed.censor_status == CensorStatus.SUCCESS
    assert VideoDeletion.objects.get().state == VideoDeletion.State.WAITING
    assert TranscodeJob.objects.get().state == TranscodeJob.State.STUCK, "shown to a person"


def test_deletions_of_missing_videos_end_one_by_one(cloud: LocalVod) -> None:
    for number in range(3):
        delete_video(make_video(vod_id=f"gone-{number}"))
    there = mirrored(cloud)
    delete_video(there)
    not_found = {"kind": "error", "status": 404, "code": "InvalidVideo.NotFound", "times": 1}
    cloud.faults({"operation": "DeleteVideo", **not_found})  # for the whole batch
    send_batch("delete_video")
    assert set(Delivery.objects.filter(kind="delete_video").values_list("state")) == {("done",)}
    effects = cloud.ledger("DeleteVideo", video_id=there.vod_id, accepted=True)
    assert effects, "the existing video was deleted in VOD"


def test_a_submission_with_an_unlisted_task_is_looked_for_again(
    cloud: LocalVod,
) -> None:
    job = submit_transcode(mirrored(cloud), kind=TranscodeKind.NARROWBAND)
    known = {"kind": "error", "status": 400, "code": "SessionIdDuplicated", "times": 1}
    submission = {"operation": "SubmitTranscodeJobs"}
    cloud.faults({**submission, **DOWN, "times": 1}, {**submission, **known})
    delivery = work("submit_transcode", 2)
    job.refresh_from_db()
    assert (delivery.state, job.state) == (DeliveryState.WAITING, TranscodeJob.State.WAITING)
    assert "does not list its task yet" in delivery.error
    assert work("submit_transcode", 1).state == DeliveryState.DONE
    job.refresh_from_db()
    assert job.task_id
