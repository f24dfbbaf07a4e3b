"""A new source under the same id: nothing that was under way about the earlier one reaches it."""

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
from videos.services import review_video

pytestmark = pytest.mark.django_db(transaction=True)

SECONDS = 20


def known_clip(vod: LocalVod, **values: Any) -> tuple[Video, MediaFacts]:
    """A clip of VOD's with its row here, and its facts as they were read."""
    facts = make_facts(vod.seed(status="Checking"), **values)
    mirror.apply(facts)
    return video_of(facts), facts


def upload_again(facts: MediaFacts, read: float = 100) -> Video:
    """Another source, known by its size."""
    mirror.apply(replace(facts, size=2_000, read_at=after(read)))
    return video_of(facts)


def decide(video: Video, decision: Decision = Decision.NORMAL) -> ReviewDecision:
    reason = "violence" if decision == Decision.BLOCKED else ""
    return review_video(video, decision=decision, source=Source.API, reason=reason)


def delivery_of(decision: ReviewDecision) -> Delivery:
    return Delivery.objects.get(review_decision=decision)


def try_once(kind: str) -> None:
    Delivery.objects.waiting().update(due_at=timezone.now() - timedelta(seconds=1))
    send_batch(kind)


def try_in_vain(vod: LocalVod, kind: str) -> None:
    vod.faults({"kind": "error"})
    try_once(kind)
    vod.faults()


def test_a_decision_that_was_not_sent_yet_ends_with_the_source_it_was_about(
    cloud: LocalVod,
) -> None:
    video, facts = known_clip(cloud)
    decision = decide(video)
    video = upload_again(facts)
    assert (video.source_version, video.censor_status) == (2, CensorStatus.ON_CENSOR)
    assert delivery_of(decision).state == DeliveryState.SUPERSEDED
    work_until_idle(SECONDS)
    assert cloud.audits() == []


def test_a_decision_that_waits_for_another_try_is_not_sent_about_the_new_source(
    cloud: LocalVod,
) -> None:
    video, facts = known_clip(cloud)
    decision = decide(video)
    try_in_vain(cloud, "create_audit")
    upload_again(facts)
    try_once("create_audit")
    assert cloud.audits() == []
    delivery = delivery_of(decision)
    assert delivery.state == DeliveryState.SUPERSEDED, "VOD refused nothing"
    assert delivery.error.startswith("Not sent: the video has another source")
    assert video_of(facts).censor_status == CensorStatus.ON_CENSOR


def test_what_still_stands_leaves_with_the_same_batch(cloud: LocalVod) -> None:
    video, facts = known_clip(cloud)
    other, _ = known_clip(cloud)
    decide(video)
    decide(other)
    try_in_vain(cloud, "create_audit")
    upload_again(facts)
    try_once("create_audit")
    assert [audit[:2] for audit in cloud.audits()] == [(other.vod_id, "Normal")]


def test_a_block_that_vod_never_got_has_the_earlier_media_purged_all_the_same(
    cloud: LocalVod,
) -> None:
    path = f"{cloud.endpoint}/earlier/cover.jpg"
    video, facts = known_clip(cloud, cover=path, snapshots=())
    decide(video, Decision.BLOCKED)
    upload_again(replace(facts, cover=MediaPath(f"{cloud.endpoint}/later/cover.jpg")))
    work_until_idle(SECONDS)
    assert cloud.audits() == []
    sent = CdnTask.objects.get(state=CdnTask.State.SUBMITTED)
    assert (sent.kind, sent.urls) == (CdnTask.Kind.PURGE, [path])


def test_a_pass_that_was_taken_back_is_not_delivered_by_a_late_retry(cloud: LocalVod) -> None:
    video, facts = known_clip(cloud)
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


def test_a_decision_that_is_delivered_over_again_stands_and_is_sent(cloud: LocalVod) -> None:
    video, _ = known_clip(cloud)
    decision = decide(video)
    work_until_idle(SECONDS)
    with transaction.atomic():
        outbox.send("create_audit", subject=video.vod_id, payload={"decision": decision.pk})
    work_until_idle(SECONDS)
    assert len(cloud.audits()) == 2


def test_why_a_person_had_to_look_at_the_earlier_source_is_no_task_any_more() -> None:
    facts = make_facts()
    mirror.apply(Reading(facts, machine=verdict("review", "ad")))
    ReviewTask.objects.create(video=video_of(facts), cause=TaskCause.REPORTED)
    upload_again(facts)
    assert [task.cause for task in ReviewTask.objects.open()] == [TaskCause.REPORTED]
