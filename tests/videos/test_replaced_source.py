"""A new source under the same id: pending work for the earlier source ends."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from shortvideo.cloud.types import MediaFacts, MediaPath
from shortvideo.outbox import services as outbox
from shortvideo.outbox.models import Delivery, DeliveryState
from shortvideo.outbox.worker import send_batch, work_until_idle
from tests.support.localvod import LocalVod
from tests.videos.support import after, make_facts, verdict, video_of
from videos import mirror
from videos.mirror import Reading
from videos.models import (
    CdnTask,
    CensorStatus,
    Decision,
    ReviewDecision,
    ReviewTask,
    Source,
    TaskCause,
    Video,
)
from videos.services import DecisionInput, review_video

pytestmark = pytest.mark.django_db(transaction=True)

SECONDS = 20


def make_synced_video(vod: LocalVod, **values: Any) -> tuple[Video, MediaFacts]:
    """Seed a video in VOD and make its row. Returns the row and the facts it was made from."""
    facts = make_facts(vod.seed(status="Checking"), **values)
    mirror.apply(facts)
    return video_of(facts), facts


def upload_again(facts: MediaFacts, read: float = 100) -> Video:
    """Apply facts of another source (it has another size)."""
    mirror.apply(replace(facts, size=2_000, read_at=after(read)))
    return video_of(facts)


def decide(video: Video, decision: Decision = Decision.NORMAL) -> ReviewDecision:
    reason = "violence" if decision == Decision.BLOCKED else ""
    return review_video(video, DecisionInput(decision, Source.API, reason=reason))


def delivery_of(decision: ReviewDecision) -> Delivery:
    return Delivery.objects.get(review_decision=decision)


def try_once(kind: str) -> None:
    Delivery.objects.waiting().update(due_at=timezone.now() - timedelta(seconds=1))
    send_batch(kind)


def fail_once(vod: LocalVod, kind: str) -> None:
    vod.faults({"kind": "error"})
    try_once(kind)
    vod.faults()


def test_an_unsent_decision_ends_with_its_source(
    cloud: LocalVod,
) -> None:
    video, facts = make_synced_video(cloud)
    decision = decide(video)
    video = upload_again(facts)
    assert (video.source_version, video.censor_status) == (2, CensorStatus.ON_CENSOR)
    assert delivery_of(decision).state == DeliveryState.SUPERSEDED
    work_until_idle(SECONDS)
    assert cloud.audits() == []


def test_a_failed_decision_is_not_retried_for_the_new_source(
    cloud: LocalVod,
) -> None:
    video, facts = make_synced_video(cloud)
    decision = decide(video)
    fail_once(cloud, "create_audit")
    upload_again(facts)
    try_once("create_audit")
    assert cloud.audits() == []
    delivery = delivery_of(decision)
    assert delivery.state == DeliveryState.SUPERSEDED, "VOD refused nothing"
    assert delivery.error.startswith("Not sent: the video has another source")
    assert video_of(facts).censor_status == CensorStatus.ON_CENSOR


def test_a_decision_of_another_video_is_sent_in_the_same_batch(cloud: LocalVod) -> None:
    video, facts = make_synced_video(cloud)
    other, _ = make_synced_video(cloud)
    decide(video)
    decide(other)
    fail_once(cloud, "create_audit")
    upload_again(facts)
    try_once("create_audit")
    assert [audit[:2] for audit in cloud.audits()] == [(other.vod_id, "Normal")]


def test_the_earlier_media_of_an_unsent_block_are_purged(
    cloud: LocalVod,
) -> None:
    path = f"{cloud.endpoint}/earlier/cover.jpg"
    video, facts = make_synced_video(cloud, cover=path, snapshots=())
    decide(video, Decision.BLOCKED)
    upload_again(replace(facts, cover=MediaPath(f"{cloud.endpoint}/later/cover.jpg")))
    work_until_idle(SECONDS)
    assert cloud.audits() == []
    sent = CdnTask.objects.get(state=CdnTask.State.SUBMITTED)
    assert (sent.kind, sent.urls) == (CdnTask.Kind.PURGE, [path])


def test_a_pass_that_was_taken_back_is_not_sent_by_a_retry(cloud: LocalVod) -> None:
    video, facts = make_synced_video(cloud)
    cloud.faults({"operation": "CreateAudit", "kind": "error", "code": "Forbidden", "status": 403,
                  "times": 1})  # fmt: skip
    decision = decide(video)
    try_once("create_audit")
    assert video_of(facts).censor_status == CensorStatus.CHECK
    outbox.retry(delivery_of(decision))
    work_until_idle(SECONDS)
    assert cloud.audits() == []
    delivery = delivery_of(decision)
    assert (delivery.state, delivery.error_code) == (DeliveryState.GIVEN_UP, "NoLongerStands")
    assert video_of(facts).decisions.count() == 2, "the refusal adds no entry of its own"


def test_a_standing_decision_can_be_sent_again(cloud: LocalVod) -> None:
    video, _ = make_synced_video(cloud)
    decision = decide(video)
    work_until_idle(SECONDS)
    with transaction.atomic():
        outbox.send("create_audit", subject=video.vod_id, payload={"decision": decision.pk})
    work_until_idle(SECONDS)
    assert len(cloud.audits()) == 2


def test_a_machine_reviews_task_ends_with_its_source() -> None:
    facts = make_facts()
    mirror.apply(Reading(facts, machine=verdict("review", "ad")))
    ReviewTask.objects.create(video=video_of(facts), cause=TaskCause.REPORTED)
    upload_again(facts)
    assert [task.cause for task in ReviewTask.objects.open()] == [TaskCause.REPORTED]
