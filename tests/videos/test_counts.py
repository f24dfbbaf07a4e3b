"""The counts behind the totals on PostgreSQL. `fixtures_counts` checks them after each test."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from django.core.checks import run_checks
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from tests.factories import make_uploader, make_video
from videos.catalogue import ListQuery, Page, compact, counts, filter_videos, page_of, postgresql
from videos.models import CensorStatus, CountKind, Video, VideoCount, append_only

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite keeps no counts."),
]


def total(**filters: object) -> int:
    query = ListQuery(**filters)  # type: ignore[arg-type]  # names of its fields
    return page_of(filter_videos(query), query).total


def run_beside(work: Callable[[], object]) -> None:
    """Do the work in another connection."""

    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


def spoil() -> None:
    VideoCount.objects.update(number=7)


def test_every_kind_of_write_is_counted() -> None:
    uploader = make_uploader()
    videos = [make_video(uploader=uploader) for _ in range(5)]
    Video.objects.filter(pk=videos[0].pk).update(censor_status=CensorStatus.FAIL)
    Video.objects.filter(pk=videos[1].pk).update(deleted_at=timezone.now())
    Video.objects.filter(pk=videos[2].pk).update(creation_time=datetime(2020, 2, 2, tzinfo=UTC))
    Video.objects.filter(pk=videos[3].pk).update(uploader=None)
    Video.objects.filter(pk=videos[4].pk).delete()
    assert (total(), total(censor_status="fail")) == (3, 1)
    assert total(user_id=uploader.user_id) == 2
    assert total(end_before=datetime(2020, 2, 3, tzinfo=UTC)) == 1


def test_a_write_that_moves_nothing_adds_no_row() -> None:
    make_video()
    before = VideoCount.objects.count()
    Video.objects.update(title="Other", changed_at=timezone.now(), deleted_at=None)
    Video.objects.filter(pk=0).delete()
    assert VideoCount.objects.count() == before


def test_a_change_that_is_rolled_back_is_not_counted() -> None:
    with transaction.atomic():
        make_video()
        transaction.set_rollback(True)
    assert total() == 0


def test_compacting_leaves_one_row_for_each_number() -> None:
    for _ in range(20):
        make_video(uploader=None, creation_time=datetime(2026, 1, 1, tzinfo=UTC))
    Video.objects.update(censor_status=CensorStatus.CHECK)
    assert compact() > 0
    rows = VideoCount.objects.exclude(kind=CountKind.UPLOADER)
    assert {(row.kind, row.censor_status, row.number) for row in rows} == {
        (CountKind.TOTAL, "check", 20),
        (CountKind.DAY, "check", 20),
    }
    assert compact() == 0
    assert total() == 20


def test_truncate_forgets_the_counts() -> None:
    make_video()
    with append_only.suspended(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE videos_video CASCADE")
    assert not VideoCount.objects.exists()


def test_verify_totals_finds_and_corrects_wrong_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    make_video()
    output = StringIO()
    call_command("verify_totals", stdout=output)
    spoil()
    with pytest.raises(CommandError, match="3 numbers are wrong"):
        call_command("verify_totals", stdout=output)
    assert counts.count_wrong(CountKind.DAY) == 1
    call_command("verify_totals", "--rebuild", stdout=output)
    call_command("verify_totals", stdout=output)
    assert output.getvalue().splitlines() == [
        "All totals are right.",
        "3 numbers were corrected.",
        "All totals are right.",
    ]
    assert "3 of 3 counts" in capsys.readouterr().err


@pytest.mark.django_db(transaction=True)
def test_no_writer_waits_for_a_count_and_all_are_counted() -> None:
    """Another writes the same day, status and uploader while a bulk of them is uncommitted."""
    uploader = make_uploader()
    moment = datetime(2026, 1, 1, tzinfo=UTC)

    def write_and_compact() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '1s'")
        for _ in range(3):
            make_video(uploader=uploader, creation_time=moment)
            compact()
            counts.rebuild(CountKind.UPLOADER)

    with transaction.atomic():
        videos = [make_video(uploader=uploader, creation_time=moment) for _ in range(3)]
        run_beside(write_and_compact)
        assert total() == 6  # this transaction sees its own rows and the committed ones
        Video.objects.filter(pk=videos[0].pk).update(censor_status=CensorStatus.FAIL)
    assert (total(), total(censor_status="fail", user_id=uploader.user_id)) == (6, 1)
    compact()
    assert total() == 6


def test_missing_triggers_give_a_warning() -> None:
    assert counts.are_kept()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE videos_video DISABLE TRIGGER videos_count_update")
        found = [each.id for each in run_checks(databases=["default"])]
        cursor.execute("ALTER TABLE videos_video ENABLE TRIGGER videos_count_update")
    assert "videos.W009" in found


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("filters", [{}, {"title": "old"}, {"cursor": 0}], ids=str)
def test_total_and_rows_are_of_one_snapshot(
    filters: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_video(title="Old")
    page_ids = postgresql.page_ids

    def page_ids_then_change(query: ListQuery) -> Page[int]:
        page = page_ids(query)
        run_beside(lambda: Video.objects.update(title="New", deleted_at=timezone.now()))
        return page

    monkeypatch.setattr(postgresql, "page_ids", page_ids_then_change)
    query = ListQuery(**filters)
    page = page_of(filter_videos(query), query)
    assert ([video.title for video in page.rows], page.total) == (["Old"], 1)
