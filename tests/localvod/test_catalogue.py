"""The computed library: the same rows every time, found by id and by CreationTime."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localvod.catalogue import Catalogue
from localvod.match import parse_match

MILLION = Catalogue(1_000_000)
AGAIN = Catalogue(1_000_000)
indexes = st.integers(min_value=0, max_value=len(MILLION) - 1)


def created(index: int) -> datetime:
    text = str(MILLION.video(index)["CreationTime"])
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


@given(indexes)
def test_a_row_is_the_same_whenever_it_is_asked_for(index: int) -> None:
    assert MILLION.video(index) == AGAIN.video(index)


@given(indexes)
def test_an_id_leads_back_to_its_row(index: int) -> None:
    video_id = MILLION.video_id(index)
    assert MILLION.video(index)["VideoId"] == video_id
    assert MILLION.index_of(video_id) == index


@pytest.mark.parametrize("video_id", ["", "x" * 32, "0" * 32, Catalogue(5, seed=2).video_id(3)])
def test_the_id_of_no_video_of_this_catalogue_leads_nowhere(video_id: str) -> None:
    assert MILLION.index_of(video_id) is None


def test_an_id_beyond_the_count_leads_nowhere() -> None:
    assert Catalogue(10).index_of(Catalogue(11).video_id(10)) is None


@given(indexes, st.integers(min_value=0, max_value=500))
def test_a_window_holds_exactly_the_videos_created_in_it(first: int, count: int) -> None:
    last = min(first + count, len(MILLION) - 1)
    assert MILLION.range_indexes(created(first), created(last)) == range(first, last + 1)
    second = timedelta(seconds=1)
    inner = MILLION.range_indexes(created(first) + second, created(last) - second)
    assert first not in inner
    assert last not in inner


def test_without_bounds_the_window_is_the_whole_catalogue() -> None:
    assert MILLION.range_indexes(None, None) == range(1_000_000)


def test_a_window_that_ends_before_it_begins_is_empty() -> None:
    assert not MILLION.range_indexes(created(500), created(400))


def test_creation_times_rise_with_the_index_and_never_repeat() -> None:
    times = [str(MILLION.video(index)["CreationTime"]) for index in range(2_000)]
    assert times == sorted(set(times))


def test_ids_are_unique_and_titles_differ() -> None:
    rows = [MILLION.video(index) for index in range(3_000)]
    assert len({row["VideoId"] for row in rows}) == 3_000
    assert len({row["Title"] for row in rows}) == 3_000


def test_every_status_of_interest_occurs() -> None:
    statuses = {MILLION.video(index)["Status"] for index in range(2_000)}
    assert {"Normal", "Checking", "Blocked", "TranscodeFail", "Uploading"} <= statuses


def test_the_uploader_travels_in_user_data_within_vods_limit() -> None:
    row = MILLION.video(123_456)
    extend = json.loads(str(row["UserData"]))["Extend"]
    assert set(extend) == {"userId", "userName", "avatarUrl"}
    assert len(json.dumps(extend, ensure_ascii=False).encode()) <= 512


def test_rows_can_be_searched_by_the_match_grammar() -> None:
    row = MILLION.video(77)
    found = parse_match(f"VideoId in ('{row['VideoId']}') and Size = [{row['Size']},99999999]")
    assert found.matches(row)
    assert not found.matches(MILLION.video(78))


def test_a_negative_count_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot hold -1 videos"):
        Catalogue(-1)


def test_a_row_beyond_the_end_is_refused() -> None:
    with pytest.raises(IndexError, match="videos 0 to 2, not 3"):
        Catalogue(3).video(3)
