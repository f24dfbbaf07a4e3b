"""A person overrules a machine, here and in VOD's console, whatever arrives first."""

import itertools
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from shortvideo.cloud.types import AuditEntry, MachineJob
from shortvideo.outbox.models import Delivery, DeliveryState
from tests.factories import make_operator
from tests.videos.support import after, audit, make_facts, state_of, verdict, video_of
from videos import mirror
from videos.mirror import Applied, Reading
from videos.models import (
    CensorStatus,
    Decision,
    MachineReview,
    ReviewDecision,
    ReviewTask,
    Source,
    TaskCause,
    Video,
)
from videos.services import DecisionInput, review_video

pytestmark = pytest.mark.django_db


def make_video_and_reading(**values: Any) -> tuple[Video, Reading]:
    told = Reading(make_facts(**values), source_uploaded_at=after(10))
    mirror.apply(told)
    return video_of(told.facts), told


def read_again(told: Reading, *, read: float = 100, status: str = "", **values: object) -> Reading:
    facts = replace(told.facts, read_at=after(read), status=status or told.facts.status)
    return replace(told, facts=facts, **values)  # type: ignore[arg-type]  # a mix of types


def log_of(video: Video) -> list[tuple[str, str]]:
    return list(video.decisions.order_by("id").values_list("source", "decision"))


@pytest.mark.parametrize(
    ("suggestion", "status", "decision"),
    [
        ("pass", CensorStatus.SUCCESS, Decision.NORMAL),
        ("block", CensorStatus.FAIL, Decision.BLOCKED),
    ],
)
def test_a_machines_decision_is_logged_and_delivered(
    suggestion: str, status: CensorStatus, decision: Decision
) -> None:
    video, told = make_video_and_reading()
    mirror.apply(read_again(told, machine=verdict(suggestion, "porn", "normal")))
    video.refresh_from_db()
    assert video.censor_status == status
    assert log_of(video) == [(Source.MACHINE, decision)]
    assert Delivery.objects.waiting().filter(kind="create_audit").count() == 1
    review = video.machine_reviews.get()
    assert (review.suggestion, review.labels) == (suggestion, ["porn"])
    assert review.hits[0]["score"] == 90.0


def test_the_verdict_review_opens_a_task_for_a_person() -> None:
    video, told = make_video_and_reading()
    mirror.apply(read_again(told, machine=verdict("review", "ad")))
    video.refresh_from_db()
    assert video.censor_status == CensorStatus.CHECK
    assert ReviewTask.objects.open().get().cause == TaskCause.MACHINE_VERDICT
    assert log_of(video) == []


def test_an_unknown_suggestion_goes_to_a_person() -> None:
    video, told = make_video_and_reading()
    mirror.apply(read_again(told, machine=verdict("perhaps")))
    video.refresh_from_db()
    assert video.censor_status == CensorStatus.CHECK


def test_a_failed_machine_review_opens_a_task_and_does_not_block() -> None:
    video, told = make_video_and_reading()
    job = MachineJob("j-1", video.vod_id, "fail", code="InternalError", message="it broke")
    mirror.apply(read_again(told, machine=job))
    video.refresh_from_db()
    assert video.censor_status == CensorStatus.CHECK
    assert ReviewTask.objects.open().get().cause == TaskCause.MACHINE_FAILED
    review = video.machine_reviews.get()
    assert (review.suggestion, review.error_code) == ("error", "InternalError")


def test_a_running_machine_review_changes_nothing() -> None:
    video, told = make_video_and_reading()
    job = MachineJob("j-1", video.vod_id, "processing")
    assert mirror.apply(read_again(told, machine=job)) == Applied(unchanged=1)


@pytest.mark.parametrize("jobs", [("j-1", "j-2"), ("j-2", "j-1")])
def test_a_verdict_is_stored_without_a_job_id(
    jobs: tuple[str, str],
) -> None:
    video, told = make_video_and_reading()
    failed = MachineJob("j-0", video.vod_id, "fail", code="InternalError", message="it broke")
    mirror.apply(read_again(told, machine=failed))
    assert video.machine_reviews.get().job_id == "j-0"
    for number, job_id in enumerate(jobs):
        job = MachineJob(job_id, video.vod_id, "success", result=verdict("review"))
        mirror.apply(read_again(told, read=200 + number, machine=job))
    review = video.machine_reviews.get()
    assert (review.suggestion, review.job_id, review.error_code) == ("review", "", "")


def test_a_verdict_read_without_and_with_its_job_decides_once() -> None:
    video, told = make_video_and_reading()
    result = verdict("block", "porn")
    job = MachineJob("j-1", video.vod_id, "success", result=result)
    mirror.apply(read_again(told, machine=result))
    mirror.apply(read_again(told, read=200, machine=job))
    assert len(log_of(video)) == 1


def test_the_same_verdict_again_writes_nothing() -> None:
    video, told = make_video_and_reading()
    told = read_again(told, machine=verdict("block", "porn"))
    mirror.apply(told)
    before = state_of(video)
    assert mirror.apply(replace(told, facts=replace(told.facts, read_at=after(200)))) == Applied(
        unchanged=1
    )
    assert state_of(video) == before
    assert len(log_of(video)) == 1


def test_a_machines_block_stands_while_vod_still_shows_normal() -> None:
    video, told = make_video_and_reading(status="Normal")
    mirror.apply(read_again(told, machine=verdict("block", "porn")))
    mirror.apply(read_again(told, read=200))
    video.refresh_from_db()
    assert video.censor_status == CensorStatus.FAIL


def test_a_verdict_about_an_earlier_source_is_ignored() -> None:
    video, told = make_video_and_reading()
    job = MachineJob("j-1", video.vod_id, "success", result=verdict("pass"), created_at=after(20))
    mirror.apply(read_again(told, machine=job))
    again = read_again(told, read=300, source_uploaded_at=after(200))
    mirror.apply(again)
    video.refresh_from_db()
    assert video.censor_status == CensorStatus.ON_CENSOR
    late = replace(job, job_id="j-2", result=verdict("pass", late="yes"), created_at=after(150))
    mirror.apply(replace(again, machine=late))
    mirror.apply(replace(again, machine=verdict("pass", late="yes")))
    mirror.apply(replace(again, machine=replace(late, created_at=None)))
    video.refresh_from_db()
    assert video.censor_status == CensorStatus.ON_CENSOR
    new = replace(job, job_id="j-3", result=verdict("pass", new="yes"), created_at=after(250))
    mirror.apply(replace(again, machine=new))
    video.refresh_from_db()
    assert video.censor_status == CensorStatus.SUCCESS


@pytest.mark.parametrize("suggestion", ["pass", "block"])
def test_an_undated_or_older_verdict_decides_nothing(
    suggestion: str,
) -> None:
    video, told = make_video_and_reading()  # the verdict about the first source was not read yet
    again = read_again(told, read=300, source_uploaded_at=after(200))
    mirror.apply(again)
    result = verdict(suggestion, "porn")
    early = MachineJob("j-1", video.vod_id, "success", result=result, created_at=after(190))
    mirror.apply(replace(again, machine=result))
    mirror.apply(replace(again, machine=early))
    video.refresh_from_db()
    assert (video.source_version, video.censor_status) == (2, CensorStatus.ON_CENSOR)
    assert log_of(video) == []
    job = replace(early, job_id="j-2", created_at=after(205))
    mirror.apply(replace(again, machine=job))
    assert [source for source, _ in log_of(video)] == [Source.MACHINE]


def test_a_decision_in_vods_console_counts_as_human() -> None:
    video, told = make_video_and_reading()
    entry = audit("Blocked", after(90), auditor="Li")
    mirror.apply(read_again(told, status="Blocked", audits=(entry,)))
    video.refresh_from_db()
    assert video.censor_status == CensorStatus.FAIL
    decision = video.decisions.get()
    assert (decision.source, decision.auditor, decision.reason) == (Source.VOD, "Li", "seen")
    assert (decision.created_at, decision.delivery) == (after(90), None)
    mirror.apply(read_again(told, read=200, machine=verdict("pass")))
    video.refresh_from_db()
    assert video.censor_status == CensorStatus.FAIL


def test_the_same_history_again_adds_nothing() -> None:
    video, told = make_video_and_reading()
    entries = (audit("Normal", after(95)), audit("Blocked", after(90)))
    mirror.apply(read_again(told, status="Normal", audits=entries))
    mirror.apply(read_again(told, read=200, status="Normal", audits=entries))
    assert log_of(video) == [(Source.VOD, "Blocked"), (Source.VOD, "Normal")]
    video.refresh_from_db()
    assert video.censor_status == CensorStatus.SUCCESS


def mark_delivered(review: ReviewDecision) -> None:
    delivery = Delivery.objects.filter(review_decision=review)
    delivery.update(state=DeliveryState.DONE, finished_at=after(0))


def delivered(video: Video, decision: Decision, **values: object) -> ReviewDecision:
    review = review_video(
        video,
        DecisionInput(
            decision,
            Source.ADMIN,
            reason="bad" if decision == Decision.BLOCKED else "",
            operator=make_operator("moderator"),
        ),
    )
    mark_delivered(review)
    return review


def echo(review: ReviewDecision, at: float) -> AuditEntry:
    return audit(review.decision, after(at), comment=f"because {review.mark}", auditor="ours")


def test_our_own_decision_in_vods_history_is_known_by_its_mark() -> None:
    video, told = make_video_and_reading()
    review = delivered(video, Decision.BLOCKED)
    mirror.apply(read_again(told, status="Blocked", audits=(echo(review, 90),)))
    assert log_of(video) == [(Source.ADMIN, "Blocked")]
    assert not Delivery.objects.waiting().filter(kind="create_audit").exists()


def test_our_older_decision_that_arrives_late_is_overruled() -> None:
    video, told = make_video_and_reading()
    old, new = delivered(video, Decision.NORMAL), delivered(video, Decision.BLOCKED)
    entries = (echo(old, 95), echo(new, 90))
    for _ in range(2):
        mirror.apply(read_again(told, status="Normal", audits=entries))
    delivery = Delivery.objects.waiting().get(kind="create_audit")
    assert delivery.payload == {"decision": new.pk}
    video.refresh_from_db()
    assert video.censor_status == CensorStatus.FAIL


def test_a_late_decision_is_overruled_while_the_newer_is_leased() -> None:
    video, told = make_video_and_reading()
    old, new = delivered(video, Decision.NORMAL), delivered(video, Decision.BLOCKED)
    Delivery.objects.filter(review_decision=new).update(
        state=DeliveryState.LEASED, lease_token=uuid.uuid4(), finished_at=None
    )
    entries = (echo(old, 95), echo(new, 90))
    for _ in range(2):
        mirror.apply(read_again(told, status="Normal", audits=entries))
    delivery = Delivery.objects.waiting().get(kind="create_audit")
    assert delivery.payload == {"decision": new.pk}


def test_a_delivery_claimed_during_a_reading_does_not_hide_it() -> None:
    video, told = make_video_and_reading()
    ours = review_video(video, DecisionInput(Decision.NORMAL, Source.ADMIN))

    def claim_once_listed(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        """Claim the delivery as a worker would, right after the unsent deliveries were listed."""
        found = execute(sql, params, many, context)
        if "claim_count" in sql and sql.startswith("SELECT") and "LIMIT" not in sql:
            with connection.cursor() as other:
                other.execute("UPDATE outbox_delivery SET claim_count = 1 WHERE claim_count = 0")
        return found

    entry = audit("Blocked", timezone.now() + timedelta(minutes=1))
    with connection.execute_wrapper(claim_once_listed):
        mirror.apply(read_again(told, status="Blocked", audits=(entry,)))
    assert log_of(video)[-1] == (Source.VOD, "Blocked")
    assert Delivery.objects.get(review_decision=ours).claim_count == 1


def test_a_newer_decision_in_vods_console_overrules_ours() -> None:
    video, told = make_video_and_reading()
    ours = delivered(video, Decision.NORMAL)
    entries = (audit("Blocked", after(95)), echo(ours, 90))
    mirror.apply(read_again(told, status="Blocked", audits=entries))
    video.refresh_from_db()
    assert video.censor_status == CensorStatus.FAIL
    assert log_of(video)[-1] == (Source.VOD, "Blocked")


def test_an_older_decision_in_vods_console_leaves_ours_standing() -> None:
    video, told = make_video_and_reading()
    ours = delivered(video, Decision.NORMAL)
    entries = (echo(ours, 95), audit("Blocked", after(90)))
    mirror.apply(read_again(told, status="Normal", audits=entries))
    assert log_of(video) == [(Source.ADMIN, "Normal")]


def test_our_unsent_decision_is_newer_than_vods_history() -> None:
    video, told = make_video_and_reading()
    review_video(video, DecisionInput(Decision.NORMAL, Source.ADMIN))
    mirror.apply(read_again(told, status="Blocked", audits=(audit("Blocked", after(90)),)))
    assert log_of(video) == [(Source.ADMIN, "Normal")]
    video.refresh_from_db()
    assert video.censor_status == CensorStatus.SUCCESS


def test_a_person_in_vods_console_overrules_a_later_machine() -> None:
    video, told = make_video_and_reading()
    mirror.apply(read_again(told, machine=verdict("pass")))
    machine = video.decisions.get()
    mark_delivered(machine)
    entries = (echo(machine, 95), audit("Blocked", after(90), auditor="Li"))
    mirror.apply(read_again(told, read=200, status="Normal", audits=entries))
    video.refresh_from_db()
    assert video.censor_status == CensorStatus.FAIL
    standing = video.decisions.get(source=Source.VOD)
    again = Delivery.objects.waiting().get(kind="create_audit")
    assert again.payload == {"decision": standing.pk}


def test_a_comment_with_a_wrong_mark_is_not_our_decision() -> None:
    video, told = make_video_and_reading()
    entry = audit("Blocked", after(90), comment="see #999999")
    mirror.apply(read_again(told, status="Blocked", audits=(entry,)))
    assert log_of(video) == [(Source.VOD, "Blocked")]


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
@pytest.mark.parametrize("suggestion", ["pass", "review", "block"])
def test_the_human_decision_stands_whatever_the_order(
    order: tuple[int, ...], suggestion: str
) -> None:
    video, told = make_video_and_reading(status="UploadSucc")
    steps: list[Callable[[float], object]] = [
        lambda at: mirror.apply(read_again(told, read=at, machine=verdict(suggestion, "ad"))),
        lambda at: mirror.apply(read_again(told, read=at, status="Checking")),
        lambda at: mirror.apply(read_again(told, read=at, status="Normal")),
        lambda _at: review_video(
            video, DecisionInput(Decision.BLOCKED, Source.API, reason="violence")
        ),
    ]
    for position, index in enumerate(order):
        steps[index](100 + position)
    video.refresh_from_db()
    assert video.censor_status == CensorStatus.FAIL
    assert MachineReview.objects.get(video=video).suggestion == suggestion
    assert not ReviewTask.objects.open().exists()


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_readings_give_the_same_result_in_any_order(order: tuple[int, ...]) -> None:
    video, told = make_video_and_reading(status="UploadSucc")
    newest = read_again(told, read=300, status="Checking")
    steps = [
        read_again(told, read=100, status="Transcoding"),
        newest,
        read_again(told, read=50, status="UploadSucc", machine=verdict("review", "ad")),
    ]
    for index in order:
        mirror.apply(steps[index])
    video.refresh_from_db()
    assert (video.status, video.censor_status) == ("Checking", CensorStatus.CHECK)
    assert ReviewTask.objects.open().get().cause == TaskCause.MACHINE_VERDICT


@pytest.mark.parametrize("status", ["Checking", "Transcoding"])
def test_a_decision_that_vods_status_does_not_show_is_ignored(
    status: str,
) -> None:
    told = make_facts(status=status)  # the source was replaced before the first reading
    mirror.apply(Reading(told, audits=(audit("Normal", after(5)),)))
    video = video_of(told)
    assert video.censor_status == CensorStatus.ON_CENSOR
    assert log_of(video) == []


def test_a_late_reading_does_not_replace_a_newer_verdict() -> None:
    video, told = make_video_and_reading()
    mirror.apply(read_again(told, read=200, machine=verdict("block", "porn")))
    mirror.apply(read_again(told, read=100, machine=verdict("pass")))
    video.refresh_from_db()
    assert video.censor_status == CensorStatus.FAIL
    assert log_of(video) == [(Source.MACHINE, "Blocked")]
