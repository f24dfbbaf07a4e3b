"""PostgreSQL's plans of lists, with rows enough that a wrong plan would look cheap."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django.plugin import DjangoDbBlocker

from benchmarks import million
from videos.catalogue import ListQuery, filter_videos, measuring, page_of

pytestmark = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one path.")
COUNTS, GRAMS = "video_count_key", "video_title_grams"
NEWEST, STATUS, UPLOADER = "video_newest", "video_censor_newest", "video_uploader_status"
CHANGED, NAMES, KEY = "video_changed", "uploader_name_grams", "videos_video_pkey"
MARCH, JUNE = datetime(2024, 3, 3, 3, tzinfo=UTC), datetime(2024, 6, 6, 6, tzinfo=UTC)
DEEP, HEAVY = {"page_size": 7, "page_index": 287}, {"user_id": "user-1"}
COMMON, RARE = {"title": "coffee"}, {"title": "zyxomma"}
SHAPES: list[tuple[dict[str, Any], set[str]]] = [
    ({}, {NEWEST, COUNTS}),
    ({"censor_status": "check"}, {STATUS, COUNTS}),
    ({"vod_id": "0" * 31 + "7"}, {"videos_video_vod_id"}),
    (HEAVY, {UPLOADER, COUNTS}),
    (HEAVY | {"censor_status": "fail"}, {UPLOADER, COUNTS}),
    (HEAVY | {"start_at": MARCH}, {UPLOADER}),
    ({"start_at": MARCH, "end_before": JUNE}, {NEWEST}),
    ({"censor_status": "fail", "end_before": JUNE}, {STATUS}),
    (DEEP, {NEWEST}),
    (DEEP | {"censor_status": "check"}, {STATUS}),
    (DEEP | {"start_at": MARCH}, {NEWEST}),
    (DEEP | {"end_before": JUNE}, {NEWEST}),
    (RARE, {GRAMS}),
    ({"title": "zy"}, {GRAMS}),
    ({"title": "鑫"}, {GRAMS}),
    (COMMON, {GRAMS, NEWEST}),
    (COMMON | {"censor_status": "success"}, {GRAMS, NEWEST}),
    (COMMON | {"censor_status": "check"}, {STATUS}),
    (COMMON | HEAVY, set()),
    (COMMON | {"start_at": MARCH, "end_before": JUNE}, {NEWEST}),
    ({"user_name": "mei 1"}, {NAMES, UPLOADER, COUNTS}),
    ({"user_name": "mei 1", "start_at": MARCH}, {NAMES, UPLOADER}),
    ({"user_name": "mei"}, {NAMES, NEWEST}),
    ({"user_name": "mei 1"} | RARE, {NAMES}),
    ({"updated_since": datetime(2025, 12, 30, tzinfo=UTC)}, {CHANGED}),
    ({"cursor": 0}, {KEY, COUNTS}),
    ({"cursor": 0, "censor_status": "onCensor"}, {STATUS, COUNTS}),
    ({"cursor": 0} | RARE, {GRAMS}),
]


@pytest.fixture(scope="module")
def _many_videos(django_db_setup: str, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock(), transaction.atomic(), connection.cursor() as cursor:
        million.insert(cursor, videos=40_000, snapshots=0, files=0)
        cursor.execute("ANALYZE videos_video, accounts_uploader, videos_videocount")
        yield
        transaction.set_rollback(True)


@pytest.mark.usefixtures("_many_videos")
@pytest.mark.parametrize(("filters", "indexes"), SHAPES, ids=str)
def test_a_list_reads_its_indexes_and_no_whole_table(
    filters: dict[str, Any],
    indexes: set[str],
    django_db_blocker: DjangoDbBlocker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(measuring, "_FILTERED", 500)
    monkeypatch.setattr(measuring, "_GATHERED", 1_000)
    monkeypatch.setattr(measuring, "_GATHERED_BY_ID", 1_000)
    monkeypatch.setattr(measuring, "_MERGED", 50)
    query = ListQuery(**filters)
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        with CaptureQueriesContext(connection) as captured:
            page_of(filter_videos(query), query)
        plan = ""
        for executed in captured.captured_queries:
            cursor.execute(f"EXPLAIN (COSTS OFF) {executed['sql']}")
            plan += "".join(f"{line}\n" for (line,) in cursor.fetchall())
    assert not re.search(r"Seq Scan on videos_video\b", plan), plan
    assert all(index in plan for index in indexes), plan
