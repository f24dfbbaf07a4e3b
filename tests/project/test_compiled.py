"""Queries that are compiled once, and the connections that they use."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.db.models import DateTimeField, F, Value
from django.db.models.functions import Concat

from accounts.models import Operator
from shortvideo.compiled import CompiledQuery, IsOneOf, Names, Parameter, insert_row
from shortvideo.outbox.models import Delivery
from tests.factories import make_operator
from videos.models import VodEvent

pytestmark = pytest.mark.django_db


def test_a_query_is_built_once(django_assert_num_queries: Any) -> None:
    built = []
    before, after = datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)

    def build() -> Any:
        built.append(True)
        since = Parameter("since", DateTimeField())
        return Operator.objects.filter(
            username=Parameter("name"), date_joined__gte=since
        ).values_list("username", "is_staff", "date_joined", Concat(F("username"), Value(" 50%")))

    query = CompiledQuery(build)
    operator = make_operator()
    with django_assert_num_queries(3):
        [row] = query.rows(name=operator.username, since=before)
        assert query.rows(name=operator.username, since=after) == []
        assert query.rows(name="' OR 1=1 --%s", since=before) == []
    assert row == (operator.username, True, operator.date_joined, f"{operator.username} 50%")
    assert row[1] is True
    assert built == [True]


def test_a_list_of_numbers_has_any_length() -> None:
    query = CompiledQuery(
        lambda: Operator.objects.filter(IsOneOf("id", Parameter("ids"))).values_list("id")
    )
    ids = [make_operator().pk for _ in range(3)]
    for wanted in ([], ids[:1], ids, [*ids, 2**62]):
        assert {pk for (pk,) in query.rows(ids=wanted)} == set(wanted) - {2**62}


def test_names_are_null_without_a_row() -> None:
    nobody = Operator.objects.filter(username="nobody").values(named=F("username"))
    make_operator()
    query = CompiledQuery(lambda: Operator.objects.values_list(Names(nobody))[:1])
    assert query.rows() == [(None,)]


def test_a_row_is_inserted_unless_its_key_exists() -> None:
    first, second = (
        VodEvent(event_type="x", media_id=media_id, dedupe_key="same", body={"a": ["é", 1]})
        for media_id in ("one", "two")
    )
    assert insert_row(first, unless_exists="dedupe_key")
    assert not insert_row(second, unless_exists="dedupe_key")
    stored = VodEvent.objects.get()
    assert (stored.pk, stored.media_id, stored.body) == (first.pk, "one", {"a": ["é", 1]})
    assert stored.received_at == first.received_at
    delivery = Delivery(
        kind="create_audit", subject="v", payload={"b": 2}, due_at=first.received_at
    )
    assert insert_row(delivery)
    delivery.refresh_from_db()
    assert (delivery.payload, delivery.state, delivery.attempts) == ({"b": 2}, "waiting", 0)


def test_a_connection_that_the_server_ended_is_not_used_again() -> None:
    if connection.vendor == "sqlite":
        return  # it has no connections that another may end
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (pid,) = cursor.fetchone()
        assert other.is_usable()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        assert not other.is_usable()  # within a second of its last answer
    finally:
        other.close()


@pytest.mark.django_db(transaction=True)
def test_a_migration_under_a_running_process_is_no_defect() -> None:
    query = CompiledQuery(lambda: Operator.objects.order_by("id").values_list("username"))
    operator = make_operator()
    for _ in range(3):  # PostgreSQL keeps its plan by then
        assert query.rows() == [(operator.username,)]
    if connection.vendor == "sqlite":
        return  # it keeps none
    other = connection.copy()
    try:
        for length in (160, 150):
            with other.cursor() as cursor:
                cursor.execute(
                    f"ALTER TABLE accounts_operator ALTER username TYPE varchar({length})"
                )
            assert query.rows() == [(operator.username,)]
    finally:
        other.close()
