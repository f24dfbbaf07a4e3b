"""PostgreSQL finds the next clips along an index, also where it has not counted the rows yet."""

from datetime import timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Operator
from tests.factories import make_operator, make_video
from tests.support.many_rows import explain, multiply, nodes
from videos.models import ReviewClaim, ReviewTask, TaskCause
from videos.services import claim_clips, waiting_count

TASKS = 20_000
LEFT_OUT = 1_000  # clips that are skipped, escalated or claimed


@pytest.fixture
def operator(db: None) -> Operator:
    """A moderator before a long queue, whose first clips are for others."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one plan for each query.")
    first = make_video(censor_status="check")
    multiply(first, TASKS - 1, vod_id="'vod' || n")
    opened_at = timezone.now() - timedelta(days=7)
    task = ReviewTask.objects.create(video=first, cause=TaskCause.NEW, opened_at=opened_at)
    multiply(
        task,
        TASKS - 1,
        video_id=f"{first.pk} + n",
        opened_at="original.opened_at + n * interval '1 second'",
        risk="(n * 7919) % 101",
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return make_operator("moderator")


def leave_out(operator: Operator, order: str) -> None:
    """Let the operator skip the first clips of the order; others hold the next, or get them."""
    now = timezone.now()
    tasks = list(ReviewTask.objects.in_order(order)[: 3 * LEFT_OUT])
    skipped, held, escalated = (tasks[each::3] for each in range(3))
    times = {"page": uuid4(), "claimed_at": now, "lease_until": now + timedelta(minutes=2)}
    colleague = make_operator("moderator")
    claims = [ReviewClaim(video_id=task.video_id, operator=colleague, **times) for task in held]
    past = {"operator": operator, "ended_at": now, "end": "skipped", **times}
    claims += [ReviewClaim(video_id=task.video_id, **past) for task in skipped]
    ReviewClaim.objects.bulk_create(claims, ignore_conflicts=True)
    ReviewTask.objects.filter(pk__in=[task.pk for task in escalated]).update(
        cause=TaskCause.ESCALATED, for_operator=colleague
    )


def handled_rows(plan: dict[str, Any]) -> int:
    """How many rows the steps of a plan return or throw away, taken together."""
    counted = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Join Filter")
    return sum(
        round(sum(each.get(name, 0) for name in counted) * each["Actual Loops"])
        for each in nodes(plan)
    )


@pytest.mark.parametrize("is_counted", [False, True])
def test_the_next_clips_are_found_along_their_index(operator: Operator, is_counted: bool) -> None:
    for order in ("oldest", "riskiest"):
        leave_out(operator, order)
    if is_counted:
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    for order in ("oldest", "riskiest"):
        plan = explain(partial(claim_clips, operator, uuid4(), limit=3, order=order), "SKIP LOCKED")
        steps = list(nodes(plan["Plan"]))
        assert f"task_open_{order}" in {each.get("Index Name") for each in steps}
        assert "Sort" not in {each["Node Type"] for each in steps}
        assert 3 * LEFT_OUT < handled_rows(plan["Plan"]) < 30 * LEFT_OUT
        assert plan["Plan"]["Actual Rows"] == 3


def test_counting_the_queue_reads_only_an_index(operator: Operator) -> None:
    plan = explain(waiting_count, "COUNT(*)")["Plan"]
    assert {each.get("Relation Name") for each in nodes(plan)} == {None, "videos_reviewtask"}
    assert handled_rows(plan) < 3 * 10_002
    assert waiting_count() == 10_001
