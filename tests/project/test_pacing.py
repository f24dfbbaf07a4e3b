"""Deleting old rows: in one paced walk over all old rows, without reading young rows."""

from collections.abc import Iterable
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from shortvideo import pacing
from shortvideo.pacing import Pace, delete_old
from videos.models import VodEvent
from videos.periodic import remove_old_events

pytestmark = pytest.mark.django_db
DONE, FAILED = VodEvent.State.DONE, VodEvent.State.FAILED
NOW = timezone.now()


@pytest.fixture(autouse=True)
def _few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "WALKED_AT_ONCE", 4)


def make_events(days_ago: Iterable[int], state: VodEvent.State = DONE) -> list[VodEvent]:
    first = VodEvent.objects.count()
    rows = [
        VodEvent(
            dedupe_key=str(first + number),
            body={},
            state=state,
            received_at=NOW - timedelta(days=days),
        )
        for number, days in enumerate(days_ago)
    ]
    return VodEvent.objects.bulk_create(rows)


def delete_done() -> int:
    rows = VodEvent.objects.filter(state=DONE)
    before = NOW - timedelta(days=90)
    return delete_old(rows, Pace(most_rows=2), before=before, created_field="received_at")


def test_several_steps_delete_all_old_rows_and_no_others() -> None:
    make_events([100] * 3)
    failed = make_events([100] * 9, FAILED)
    make_events([100] * 6)
    young = make_events([89, 1])
    assert delete_done() == 9
    assert list(VodEvent.objects.order_by("pk")) == [*failed, *young]


def test_rows_of_nearly_the_same_time_may_be_in_any_order() -> None:
    young = make_events([89, 91, 89, 91, 91])[::2][:2]
    assert delete_done() == 3
    assert list(VodEvent.objects.order_by("pk")) == young


def test_the_walk_ends_where_only_young_rows_follow(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    make_events([1] * 12)
    with django_assert_num_queries(1):
        assert delete_done() == 0


def test_over_a_thousand_old_events_are_removed_in_one_run() -> None:
    make_events([91] * 1_001)
    remove_old_events()
    assert not VodEvent.objects.exists()
