"""A decision of the desk can be undone for a few seconds, without a call to VOD."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from recommendations.models import Recommendation
from shortvideo.cloud.types import MachineJob
from shortvideo.errors import InvalidState
from shortvideo.outbox.models import Delivery, DeliveryState
from shortvideo.outbox.worker import work_once
from tests.factories import make_operator, make_video
from tests.support.localvod import LocalVod
from tests.videos.support import after, make_facts, verdict, video_of
from tests.videos.takedowns import (
    approve,
    block,
    delivery_of,
    published,
    served_paths,
    takedown_of,
    work,
    work_now,
)
from videos import mirror
from videos.mirror import Reading
from videos.models import (
    CensorStatus,
    Decision,
    Evidence,
    ReviewDecision,
    ReviewTask,
    Source,
    Takedown,
    TaskCause,
    Video,
)
from videos.services import delete_video, latest_human_decision, undo_review, undoable_decision
from videos.services.standing import standing_decision

pytestmark = pytest.mark.django_db(transaction=True)

State = Takedown.State


@pytest.fixture(autouse=True)
def window(settings: Settings) -> None:
    settings.REVIEW_UNDO_SECONDS = 3600


def at_the_desk(decide: Any, video: Video, **values: Any) -> ReviewDecision:
    review: ReviewDecision = decide(video, source=Source.ADMIN, **values)
    return review


def status_of(video: Video) -> str:
    video.refresh_from_db()
    return video.censor_status


def test_an_undone_decision_makes_no_call_to_vod(cloud: LocalVod) -> None:
    video = published(cloud)
    before = len(cloud.ledger())
    review = at_the_desk(block, video)
    work()
    line = undo_review(review, operator=make_operator("moderator"), request_id="r-9")
    work_now()
    assert len(cloud.ledger()) == before
    assert status_of(video) == CensorStatus.SUCCESS
    assert (line.decision, line.undoes, line.request_id) == (Decision.UNDO, review, "r-9")
    assert (line.from_status, line.to_status) == (CensorStatus.FAIL, CensorStatus.SUCCESS)
    assert takedown_of(video).state == State.REVERSED
    assert served_paths(video) != []
    assert not Evidence.objects.exists()


@pytest.mark.parametrize("source", [Source.API, Source.ADMIN])
def test_an_equal_decision_of_another_operator_stands(cloud: LocalVod, source: Source) -> None:
    """An operator's block must not be lost through the undo of another operator's equal block."""
    video = published(cloud)
    one, other = make_operator("moderator"), make_operator("administrator")
    first = at_the_desk(block, video, operator=one)
    assert at_the_desk(block, video, operator=one) == first, "repeated by the same operator"
    second = block(video, source, operator=other)
    with pytest.raises(InvalidState, match="There is another decision"):
        undo_review(first, operator=one)
    work_now()
    assert status_of(video) == CensorStatus.FAIL
    assert cloud.audits() == [(video.vod_id, "Blocked", "violence")]
    assert cloud.state(video.vod_id)["audits"][-1]["comment"] == f"#{second.pk}"
    assert takedown_of(video).state == State.VERIFIED
    assert block(video, operator=one) == second, "an equal block that cannot be undone is returned"


def test_a_decision_of_the_api_is_sent_at_once(cloud: LocalVod) -> None:
    video = published(cloud)
    review = block(video)
    assert review.delivery is not None
    assert review.delivery.due_at <= timezone.now()
    with pytest.raises(InvalidState, match="at the desk"):
        undo_review(review)


def test_a_decision_of_the_desk_is_sent_after_the_undo_time(cloud: LocalVod) -> None:
    video = published(cloud)
    at_the_desk(block, video)
    work()
    assert cloud.audits() == []
    work_now()
    assert cloud.audits() == [(video.vod_id, "Blocked", "violence")]


def test_an_undone_block_restores_the_recommendation() -> None:
    video = make_video(recommended=True)
    undo_review(at_the_desk(block, video))
    assert Recommendation.objects.published().filter(video=video).exists()
    assert video.decisions.get(decision=Decision.UNDO).blocked_at_before is not None


def test_an_undo_reopens_the_tasks_that_the_decision_closed() -> None:
    video = make_video(censor_status=CensorStatus.CHECK)
    earlier = ReviewTask.objects.create(video=video, cause=TaskCause.NEW, closed_at=timezone.now())
    task = ReviewTask.objects.create(video=video, cause=TaskCause.MACHINE_VERDICT)
    review = at_the_desk(approve, video)
    assert not ReviewTask.objects.open().exists()
    undo_review(review)
    assert list(ReviewTask.objects.open()) == [task]
    earlier.refresh_from_db()
    assert earlier.closed_at is not None


def test_an_undo_reopens_no_second_task_of_the_same_cause() -> None:
    video = make_video(censor_status=CensorStatus.CHECK)
    ReviewTask.objects.create(video=video, cause=TaskCause.REPORTED)
    review = at_the_desk(approve, video)
    since = ReviewTask.objects.create(video=video, cause=TaskCause.REPORTED)
    undo_review(review)
    assert list(ReviewTask.objects.open()) == [since]


def test_an_undone_decision_does_not_stand() -> None:
    video = make_video(censor_status=CensorStatus.CHECK)
    first = at_the_desk(block, video)
    second = at_the_desk(approve, video)
    undo_review(second)
    assert latest_human_decision(video) == standing_decision(video) == first
    again = at_the_desk(approve, video)
    assert again != second
    assert latest_human_decision(video) == again


def test_an_undone_decision_can_be_made_again() -> None:
    video = make_video(censor_status=CensorStatus.CHECK)
    first = at_the_desk(block, video)
    undo_review(first)
    second = at_the_desk(block, video)
    assert second != first
    assert status_of(video) == CensorStatus.FAIL


def test_an_undo_sends_the_earlier_unsent_decision(cloud: LocalVod) -> None:
    video = published(cloud)
    first = at_the_desk(block, video)
    second = at_the_desk(approve, video)
    assert first.delivery is not None
    first.delivery.refresh_from_db()
    assert first.delivery.state == DeliveryState.SUPERSEDED
    undo_review(second)
    work()
    assert cloud.audits() == [(video.vod_id, "Blocked", "violence")]
    assert cloud.state(video.vod_id)["audits"][-1]["comment"] == f"#{first.pk}"
    assert status_of(video) == CensorStatus.FAIL
    assert takedown_of(video).state == State.VERIFIED
    assert served_paths(video) == []


def test_an_undo_does_not_send_the_earlier_decision_twice(cloud: LocalVod) -> None:
    video = published(cloud)
    block(video)
    work()
    for _ in range(2):
        undo_review(at_the_desk(approve, video))
    work_now()
    assert len(cloud.audits()) == 1
    takedown = takedown_of(video)
    assert (takedown.state, status_of(video)) == (State.VERIFIED, CensorStatus.FAIL)


def test_the_undo_of_a_pass_resumes_the_takedown(cloud: LocalVod) -> None:
    video = published(cloud)
    block(video)
    work_once(["create_audit"])
    undo_review(at_the_desk(approve, video))
    work_now()
    takedown = takedown_of(video)
    assert takedown.state == State.VERIFIED
    assert served_paths(video) == []
    assert len(cloud.audits()) == 1


def test_the_undo_of_a_second_block_resumes_the_first_takedown(cloud: LocalVod) -> None:
    video = published(cloud)
    first = block(video)
    undo_review(at_the_desk(block, video, reason="spam"))
    work()
    assert Takedown.objects.get(decision=first).state == State.VERIFIED
    assert cloud.audits() == [(video.vod_id, "Blocked", "violence")]


@pytest.mark.parametrize("state", ["leased", "tried"])
def test_a_leased_or_tried_decision_cannot_be_undone(state: str) -> None:
    review = at_the_desk(block, make_video())
    values = {"claim_count": 1} if state == "tried" else {"state": "leased", "lease_token": TOKEN}
    Delivery.objects.filter(review_decision=review).update(**values)
    with pytest.raises(InvalidState, match="being sent to VOD already"):
        undo_review(review)
    assert not ReviewDecision.objects.filter(decision=Decision.UNDO).exists()


TOKEN = "00000000-0000-4000-8000-000000000000"


def test_an_undo_is_refused_after_its_time(settings: Settings) -> None:
    settings.REVIEW_UNDO_SECONDS = 0
    with pytest.raises(InvalidState, match="Too late to undo"):
        undo_review(at_the_desk(block, make_video()))


def test_an_older_or_undone_decision_cannot_be_undone() -> None:
    video = make_video(censor_status=CensorStatus.CHECK)
    first = at_the_desk(block, video)
    second = at_the_desk(approve, video)
    with pytest.raises(InvalidState, match="another decision"):
        undo_review(first)
    line = undo_review(second)
    with pytest.raises(InvalidState, match="undone already"):
        undo_review(second)
    with pytest.raises(InvalidState, match="at the desk"):
        undo_review(line)
    assert ReviewDecision.objects.filter(decision=Decision.UNDO).count() == 1


def test_a_block_below_an_undone_pass_cannot_be_undone() -> None:
    video = make_video(censor_status=CensorStatus.CHECK)
    at_the_desk(block, video)
    undo_review(at_the_desk(approve, video))
    latest = undoable_decision(video)
    assert latest is None  # the pass superseded its delivery; a new one is sent
    assert status_of(video) == CensorStatus.FAIL


def test_a_decision_about_a_deleted_video_cannot_be_undone() -> None:
    video = make_video()
    review = at_the_desk(block, video)
    delete_video(video)
    with pytest.raises(Video.DoesNotExist):
        undo_review(review)


def test_a_decision_below_one_of_vods_console_cannot_be_undone() -> None:
    video = make_video()
    review = at_the_desk(block, video)
    approve(video, Source.VOD, auditor="Li")
    with pytest.raises(InvalidState, match="another decision"):
        undo_review(review)


def test_a_verdict_received_meanwhile_counts_after_the_undo() -> None:
    told = Reading(make_facts(), source_uploaded_at=after(10))
    mirror.apply(told)
    video = video_of(told.facts)
    review = at_the_desk(approve, video)
    now = timezone.now() + timedelta(seconds=1)
    later = replace(told.facts, read_at=now)
    mirror.apply(replace(told, facts=later, machine=verdict("block", "porn")))
    assert status_of(video) == CensorStatus.SUCCESS
    undo_review(review)
    assert status_of(video) == CensorStatus.FAIL
    latest = video.decisions.latest("id")
    assert (latest.source, latest.decision) == (Source.MACHINE, Decision.BLOCKED)
    assert latest.delivery is not None
    assert latest.delivery.state == DeliveryState.WAITING


def test_a_failed_machine_review_opens_a_task_after_the_undo() -> None:
    told = Reading(make_facts(), source_uploaded_at=after(10))
    mirror.apply(told)
    video = video_of(told.facts)
    review = at_the_desk(approve, video)
    now = timezone.now() + timedelta(seconds=1)
    job = MachineJob("j-1", video.vod_id, "fail", code="InternalError", message="it broke")
    mirror.apply(replace(told, facts=replace(told.facts, read_at=now, title="New"), machine=job))
    undo_review(review)
    assert status_of(video) == CensorStatus.CHECK
    assert ReviewTask.objects.open().get().cause == TaskCause.MACHINE_FAILED


def test_a_refused_pass_below_an_undone_block_is_reviewed_again(cloud: LocalVod) -> None:
    """The pass is being sent while the block is made and undone: its refusal still counts."""
    video = make_video(vod_id="unknown-to-vod", censor_status=CensorStatus.CHECK)
    approve(video)
    undo_review(at_the_desk(block, video))
    work_once(["create_audit"])
    assert status_of(video) == CensorStatus.CHECK
    assert delivery_of(video, "create_audit").state == DeliveryState.GIVEN_UP
