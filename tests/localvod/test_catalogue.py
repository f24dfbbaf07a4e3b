"""The computed catalogue: its rows follow from the seed, and are found by id and CreationTime."""

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
def test_two_catalogues_of_one_seed_have_the_same_rows(index: int) -> None:
    assert MILLION.video(index) == AGAIN.video(index)


@given(indexes)
def test_index_of_inverts_video_id(index: int) -> None:
    video_id = MILLION.video_id(index)
    assert MILLION.video(index)["VideoId"] == video_id
    assert MILLION.index_of(video_id) == index


@pytest.mark.parametrize("video_id", ["", "x" * 32, "0" * 32, Catalogue(5, seed=2).video_id(3)])
def test_an_unknown_id_has_no_index(video_id: str) -> None:
    assert MILLION.index_of(video_id) is None


def test_an_id_beyond_the_count_has_no_index() -> None:
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


def test_a_window_that_ends_before_its_start_is_empty() -> None:
    assert not MILLION.range_indexes(created(500), created(400))


def test_creation_times_rise_strictly_with_the_index() -> None:
    times = [str(MILLION.video(index)["CreationTime"]) for index in range(2_000)]
    assert times == sorted(set(times))


def test_ids_are_unique_and_titles_differ() -> None:
    rows = [MILLION.video(index) for index in range(3_000)]
    assert len({row["VideoId"] for row in rows}) == 3_000
    assert len({row["Title"] for row in rows}) == 3_000


def test_all_important_statuses_occur() -> None:
    statuses = {MILLION.video(index)["Status"] for index in range(2_000)}
    assert {"Normal", "Checking", "Blocked", "TranscodeFail", "Uploading"} <= statuses


def test_user_data_has_the_uploader_within_512_bytes() -> None:
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
