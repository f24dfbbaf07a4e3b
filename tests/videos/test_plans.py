"""Plans of lists. On PostgreSQL with rows enough that a wrong plan would look cheap."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from benchmarks import million
from videos.catalogue import ListQuery, filter_videos, measuring, page_of

pytestmark = pytest.mark.django_db
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


def explained(query: ListQuery) -> str:
    """Return the plans of all queries of the list."""
    with CaptureQueriesContext(connection) as captured:
        page_of(filter_videos(query), query)
    plans = []
    with connection.cursor() as cursor:
        for executed in captured.captured_queries:
            cursor.execute(f"EXPLAIN (COSTS OFF) {executed['sql']}")
            plans += [line for (line,) in cursor.fetchall()]
    return "\n".join(plans)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one path.")
def test_lists_read_their_indexes_and_no_whole_table(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, few in (("_FILTERED", 500), ("_GATHERED", 1_000), ("_GATHERED_BY_ID", 1_000)):
        monkeypatch.setattr(measuring, name, few)
    monkeypatch.setattr(measuring, "_MERGED", 50)
    with connection.cursor() as cursor:
        million.insert(cursor, videos=40_000, snapshots=0, files=0)
        cursor.execute("ANALYZE videos_video, accounts_uploader, videos_videocount")
    for filters, indexes in SHAPES:
        plan = explained(ListQuery(**filters))
        assert not re.search(r"Seq Scan on videos_video\b", plan), (filters, plan)
        assert all(index in plan for index in indexes), (filters, plan)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL has an index of grams.")
def test_sqlite_searches_titles_in_an_index() -> None:
    query = ListQuery(title="coffee")
    with CaptureQueriesContext(connection) as captured:
        page_of(filter_videos(query), query)
    (counting,) = captured.captured_queries  # no video, no page
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {counting['sql']}")
        assert "USING INDEX video_newest_titles" in str(cursor.fetchall())
