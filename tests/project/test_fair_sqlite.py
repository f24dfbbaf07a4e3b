"""Transactions on SQLite wait for each other, and bulk writes leave room for them."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction

from accounts.models import Uploader
from shortvideo import pacing
from shortvideo.fair_sqlite.base import write_gate
from shortvideo.handler import RECEIVED_AT
from shortvideo.pacing import Pace
from shortvideo.utf8 import FORMS
from tests.outbox.support import LONGEST_WAIT_SECONDS
from tests.project.test_handler import call
from tests.support.console import url_of
from tests.support.localvod import wait_until
from tests.support.locks import watching_waiters

on_sqlite = pytest.mark.skipif(
    "connection.vendor != 'sqlite'", reason="PostgreSQL's writers wait for rows only"
)


@contextmanager
def holding_the_lock(until: Callable[[], object]) -> Iterator[None]:
    """Hold a transaction open on another connection until the function returns."""
    has_begun = threading.Event()

    def hold() -> None:
        with transaction.atomic():
            has_begun.set()
            until()
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    assert has_begun.wait(LONGEST_WAIT_SECONDS)
    try:
        yield
    finally:
        holder.join()


@contextmanager
def holding_the_lock_until_awaited(then: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Hold the lock until a statement waits for it, and then until the function returns."""
    with watching_waiters() as is_awaited:

        def until() -> None:
            wait_until(is_awaited)
            then()

        with holding_the_lock(until):
            yield
        assert is_awaited()


@pytest.fixture
def impatient() -> Iterator[None]:
    """Transactions of this connection wait for 0.2 seconds."""
    options = connection.settings_dict["OPTIONS"]
    before = options["timeout"]
    options["timeout"] = 0.2
    yield
    options["timeout"] = before


@on_sqlite
@pytest.mark.django_db(transaction=True)
def test_a_transaction_waits_for_the_end_of_another() -> None:
    with holding_the_lock_until_awaited(), transaction.atomic():
        Uploader.objects.create(user_id="u1")
    assert Uploader.objects.filter(user_id="u1").exists()


@on_sqlite
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("impatient")
def test_a_transaction_that_times_out_leaves_a_good_connection() -> None:
    is_over = threading.Event()
    with holding_the_lock(lambda: is_over.wait(LONGEST_WAIT_SECONDS)):
        with pytest.raises(OperationalError, match="database is locked"), transaction.atomic():
            pytest.fail("It began although another holds the lock.")
        is_over.set()
    with transaction.atomic():
        Uploader.objects.create(user_id="u2")


@on_sqlite
@pytest.mark.django_db(transaction=True)
def test_a_request_that_waited_for_a_thread_gives_up_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 30)
    body = b"userName=nobody&password=no"
    form: dict[str, Any] = {"CONTENT_TYPE": FORMS[0], "CONTENT_LENGTH": str(len(body))}
    is_over = threading.Event()
    with holding_the_lock(lambda: is_over.wait(20)):
        waited: dict[str, Any] = {**form, RECEIVED_AT: time.monotonic() - 60}
        status, _ = call(url_of("login"), body, **waited)
        is_over.set()
    assert status == 503
    assert call(url_of("login"), body, **form)[0] == 401


@on_sqlite
@pytest.mark.django_db(transaction=True)
def test_while_the_lock_is_stuck_few_of_a_process_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_gate, "places", 1)
    is_over = threading.Event()

    def create(user_id: str) -> None:
        with transaction.atomic():
            Uploader.objects.create(user_id=user_id)
        connection.close()

    first = threading.Thread(target=create, args=("first",))
    with holding_the_lock(lambda: is_over.wait(LONGEST_WAIT_SECONDS)):
        first.start()
        wait_until(lambda: write_gate.waiting)
        for _ in range(10):
            with pytest.raises(OperationalError, match="database is locked"):
                create("another")
        assert write_gate.waiting == 1
        is_over.set()
    first.join()
    create("another")
    assert Uploader.objects.filter(user_id__in=["first", "another"]).count() == 2
    assert write_gate.waiting == 0


@on_sqlite
@pytest.mark.django_db(transaction=True)
def test_a_statement_without_a_transaction_waits_too() -> None:
    Uploader.objects.create(user_id="u4", user_name="before")
    with holding_the_lock_until_awaited():
        Uploader.objects.filter(user_id="u4").update(user_name="after")
    assert Uploader.objects.get(user_id="u4").user_name == "after"


@on_sqlite
@pytest.mark.django_db(transaction=True)
def test_the_locks_holder_may_free_a_cursor_of_a_waiting_thread() -> None:
    Uploader.objects.create(user_id="u5", user_name="before")
    garbage: list[Any] = [connection.cursor().execute("SELECT 1 UNION SELECT 2")]
    with holding_the_lock_until_awaited(garbage.clear):
        Uploader.objects.filter(user_id="u5").update(user_name="after")
    assert Uploader.objects.get(user_id="u5").user_name == "after"


@on_sqlite
@pytest.mark.django_db
def test_a_slow_bulk_write_takes_fewer_rows_but_not_too_few(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pacing, "HOLD_SECONDS", 0.0)
    pace = Pace(most_rows=50)
    assert pace.rows == 50
    for _ in range(3):
        with pace.transaction():
            time.sleep(0.001)
    assert pace.rows == 10


@on_sqlite
@pytest.mark.django_db
def test_a_bulk_write_that_is_fast_again_takes_more_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    pace = Pace(most_rows=50)
    with monkeypatch.context() as slow:
        slow.setattr(pacing, "HOLD_SECONDS", 0.0)
        with pace.transaction():
            time.sleep(0.001)
    monkeypatch.setattr(pacing, "HOLD_SECONDS", 20.0)
    for _ in range(20):
        with pace.transaction():
            pass
    assert pace.rows == 50


@pytest.mark.django_db
def test_portions_hold_every_item_once_and_in_order() -> None:
    pace = Pace(most_rows=4)
    portions = [list(portion) for portion in pace.batches(range(10))]
    assert [item for portion in portions for item in portion] == list(range(10))
    assert max(map(len, portions)) == 4


@pytest.mark.django_db
def test_an_error_in_a_portion_rolls_it_back() -> None:
    def fail() -> None:
        with Pace(most_rows=4).transaction():
            Uploader.objects.create(user_id="u3")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert not Uploader.objects.filter(user_id="u3").exists()
