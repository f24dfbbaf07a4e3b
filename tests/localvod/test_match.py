"""SearchMedia's Match grammar; its shortcuts (`creation_window`, `video_ids`) lose no row."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localvod.match import Expression, MatchSyntaxError, parse_match

ROW = {
    "VideoId": "v1",
    "Title": "Lanterns at Night 灯会",
    "Description": "Slow lights over the river",
    "Tags": "lantern,river",
    "CateId": 12,
    "Status": "Checking",
    "AppId": "app-1000000",
    "StorageLocation": "outin-1.oss-cn-shanghai.aliyuncs.com",
    "Size": 5_000,
    "Duration": 8.5,
    "CreationTime": "2026-03-01T08:00:00Z",
    "ModificationTime": "2026-03-02T08:00:00Z",
}


@pytest.mark.parametrize(
    "match",
    [
        "",
        "  ",
        "VideoId = 'v1'",
        "VideoId='v1'",
        "VideoId in ('v0','v1')",
        "CateId = 12",
        "CateId = '12'",
        "Title = 'lanterns at'",
        "Title = '灯会'",
        "Title in ('nothing','NIGHT')",
        "Tags = 'river'",
        "Description = 'lights over'",
        "Status in ('Normal','Checking')",
        "Size = [5000,6000]",
        "Size = ('4999','5001')",
        "Duration = (8,9]",
        "CreationTime = ('2026-02-01T00:00:00Z','2026-04-01T00:00:00Z')",
        "CreationTime = ['2026-03-01T08:00:00Z','2026-03-01T08:00:00Z']",
        "Status in ('Checking') and Size = [1,9999] and Title = 'night'",
        "(VideoId = 'other' or Title = 'night')",
        "Status in ('Checking') and (VideoId = 'other' or (Title = 'night' and Tags = 'river'))",
    ],
)
def test_a_true_match_finds_the_row(match: str) -> None:
    assert parse_match(match).matches(ROW)


@pytest.mark.parametrize(
    "match",
    [
        "VideoId = 'V1'",
        "VideoId in ('v0','v2')",
        "CateId = 13",
        "Title = 'lanterns night'",
        "Status in ('Normal')",
        "Size = (5000,6000]",
        "Size = [4000,5000)",
        "Duration = [8.6,9]",
        "CreationTime = ('2026-03-01T08:00:00Z','2026-04-01T00:00:00Z')",
        "CreationTime = ['2026-02-01T00:00:00Z','2026-03-01T08:00:00Z')",
        "MediaSource in ('general')",
        "Title = 'night' and Tags = 'sea'",
        "(VideoId = 'other' or Title = 'noon')",
    ],
)
def test_a_false_match_finds_nothing(match: str) -> None:
    assert not parse_match(match).matches(ROW)


@pytest.mark.parametrize(
    ("match", "reason"),
    [
        ("UserData = 'a'", "cannot be searched by `UserData`"),
        ("title = 'a'", "cannot be searched by `title`"),
        ("Title", "Expected `=` instead of the end"),
        ("Title = ", "Expected a text in single quotes for Title instead of the end"),
        ("Title = ''", "Expected a text in single quotes"),
        ("Title = night", "Expected a text in single quotes for Title instead of `night`"),
        ("Title = 5", "Expected a text in single quotes"),
        ('Title = "night"', "single quotes, not double"),
        ("Title = 'night", "no closing single quote"),
        ("Title = 'it's'", "no closing single quote"),
        ("Title = ‘night’", "only ASCII characters"),
        ("Title = 'a' , Tags = 'b'", "Expected `and` or the end"),
        ("Title = 'a' or Tags = 'b'", "must stand in parentheses"),
        ("Title = 'a' AND Tags = 'b'", "Expected `and` or the end"),
        ("Title = 'a' and", "Expected a field"),
        ("and Title = 'a'", "Expected a field"),
        ("(Title = 'a' or Tags = 'b' and Tags = 'c')", "mixed"),
        ("(Title = 'a' or Tags = 'b'", r"Expected `\)`"),
        ("()", "Expected a field"),
        ("Title ; 'a'", "means nothing"),
        ("Status = 'Normal'", r"Status is searched as Status in \('a','b'\)"),
        ("Size = 5", "Size is searched as Size = "),
        ("Size in (5,6)", "Size is searched as Size = "),
        ("Size = [1,'x']", "Expected a number for Size"),
        ("Size = [1,2", r"Expected `\)` or `\]`"),
        ("Size = [1]", "Expected `,`"),
        ("Title = ('a','b')", "Title is searched as"),
        ("Description in ('a')", "Description is searched as"),
        ("CateId in (1,2)", "CateId is searched as CateId = 'value'"),
        ("CreationTime = ['2026-03-01','2026-04-01']", "Expected a time such as"),
        ("CreationTime = ['2026-02-30T00:00:00Z','2026-04-01T00:00:00Z']", "Expected a time"),
        ("VideoId in (" + ",".join(["'v'"] * 101) + ")", "at most 100 ids, not 101"),
        ("(" * 21 + "Title = 'a'" + ")" * 21, "More than 20 parentheses"),
    ],
)
def test_an_undocumented_match_is_refused_with_a_reason(match: str, reason: str) -> None:
    with pytest.raises(MatchSyntaxError, match=reason):
        parse_match(match)


def test_a_hundred_ids_are_allowed() -> None:
    ids = [f"v{number}" for number in range(100)]
    listed = ",".join(f"'{video_id}'" for video_id in ids)
    assert parse_match(f"VideoId in ({listed})").video_ids() == set(ids)


def test_and_narrows_the_window_and_the_ids() -> None:
    found = parse_match(
        "CreationTime = ('2026-01-01T00:00:00Z','2026-06-01T00:00:00Z') and Title = 'a'"
        " and CreationTime = ['2026-02-01T00:00:00Z','2026-09-01T00:00:00Z']"
        " and VideoId in ('a','b') and VideoId in ('b','c')"
    )
    assert found.creation_window() == (
        datetime(2026, 2, 1, tzinfo=UTC),
        datetime(2026, 6, 1, tzinfo=UTC),
    )
    assert found.video_ids() == {"b"}


def test_or_limits_only_if_all_its_parts_do() -> None:
    assert parse_match("(VideoId = 'a' or Title = 'b')").video_ids() is None
    assert parse_match("(VideoId = 'a' or VideoId = 'b')").video_ids() == {"a", "b"}
    window = "CreationTime = ['2026-01-01T00:00:00Z','2026-02-01T00:00:00Z']"
    assert parse_match(f"({window} or Title = 'b')").creation_window() == (None, None)


times = st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2026, 1, 3)).map(  # noqa: DTZ001 - hypothesis wants naive bounds
    lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%SZ")
)
ids = st.sampled_from(["a", "b", "c"])
words = st.sampled_from(["sea", "sky", "灯"])
conditions = st.one_of(
    st.builds("VideoId = '{}'".format, ids),
    st.builds("VideoId in ('{}','{}')".format, ids, ids),
    st.builds("Title = '{}'".format, words),
    st.builds(
        "CreationTime = {}'{}','{}'{}".format,
        st.sampled_from("(["),
        times,
        times,
        st.sampled_from(")]"),
    ),
)
matches = st.recursive(
    conditions,
    lambda parts: st.one_of(
        st.builds("({} and {})".format, parts, parts),
        st.builds("({} or {})".format, parts, parts),
    ),
    max_leaves=6,
)
rows = st.fixed_dictionaries({"VideoId": ids, "Title": words, "CreationTime": times})


@given(matches, rows)
def test_every_matching_row_is_within_window_and_ids(match: str, row: dict[str, str]) -> None:
    found = parse_match(match)
    if found.matches(row):
        start, end = found.creation_window()
        created = datetime.strptime(row["CreationTime"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        assert start is None or start <= created
        assert end is None or created <= end
        limits = found.video_ids()
        assert limits is None or row["VideoId"] in limits


@given(matches, matches, rows)
def test_and_needs_both_parts_and_or_needs_one(left: str, right: str, row: dict[str, str]) -> None:
    is_left, is_right = parse_match(left).matches(row), parse_match(right).matches(row)
    assert parse_match(f"{left} and {right}").matches(row) == (is_left and is_right)
    assert parse_match(f"({left} or {right})").matches(row) == (is_left or is_right)


@given(st.text(alphabet="Titleandor in=()[],'0123456789-. 灯\"", max_size=60))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    with suppress(MatchSyntaxError):
        assert isinstance(parse_match(text), Expression)


@given(
    st.sampled_from(["Title", "VideoId", "StorageLocation"]),
    st.text(st.characters(exclude_characters="'"), min_size=1, max_size=20),
)
def test_a_text_matches_itself(field: str, text: str) -> None:
    name = "in" if field != "Title" else "="
    value = f"('{text}')" if name == "in" else f"'{text}'"
    assert parse_match(f"{field} {name} {value}").matches({field: text})
