"""Verifying callbacks and reading their events."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shortvideo.cloud.events import (
    Event,
    MalformedEvent,
    SignatureRefused,
    parse_event,
    sign,
    verify_signature,
)
from shortvideo.cloud.types import Uploader

URL = "https://console.example.com/vodcallback/callback"
NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
STAMP = str(int(NOW.timestamp()))
KEY, OLD_KEY = "CurrentKey1", "PreviousKey1"


def verify(**changes: Any) -> None:
    given_values: dict[str, Any] = {
        "callback_url": URL,
        "timestamp": STAMP,
        "signature": sign(URL, STAMP, KEY),
        "keys": [KEY, OLD_KEY],
        "now": NOW,
        "max_age": 300,
    }
    verify_signature(**(given_values | changes))


def parse(**content: Any) -> Event:
    return parse_event(json.dumps({"EventType": "FileUploadComplete", **content}).encode())


def test_a_signature_is_the_documented_digest() -> None:
    expected = hashlib.md5(f"{URL}|{STAMP}|{KEY}".encode()).hexdigest()
    assert sign(URL, STAMP, KEY) == expected


def test_a_callback_passes_with_either_key_in_either_case() -> None:
    verify()
    verify(signature=sign(URL, STAMP, OLD_KEY))
    verify(signature=sign(URL, STAMP, KEY).upper())


@pytest.mark.parametrize("age", [-300, 300])
def test_the_time_window_includes_its_ends(age: int) -> None:
    verify(now=NOW + timedelta(seconds=age))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"now": NOW + timedelta(seconds=301)}, "too far from the present"),
        ({"now": NOW - timedelta(seconds=301)}, "too far from the present"),
        ({"timestamp": ""}, "not signed"),
        ({"signature": ""}, "not signed"),
        ({"timestamp": "soon"}, "not a number"),
        ({"timestamp": "-1"}, "not a number"),
        ({"timestamp": "٣" * 10}, "not a number"),
        ({"timestamp": "9" * 5000}, "not a number"),
        ({"signature": sign(URL, STAMP, "SomebodyElses1")}, "not ours"),
        ({"signature": "é"}, "not ours"),
        ({"callback_url": URL + "/"}, "not ours"),
        ({"timestamp": str(int(STAMP) + 1)}, "not ours"),
        ({"keys": []}, "No callback key"),
        ({"keys": [""], "signature": sign(URL, STAMP, "")}, "No callback key"),
        ({"keys": [KEY, ""], "signature": sign(URL, STAMP, "")}, "not ours"),
    ],
)
def test_any_other_callback_is_refused_with_a_reason_only(
    changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(SignatureRefused, match=reason) as caught:
        verify(**changes)
    for secret in (KEY, OLD_KEY, sign(URL, STAMP, KEY)):
        assert secret not in str(caught.value)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2026-03-01T07:49:17Z", datetime(2026, 3, 1, 7, 49, 17, tzinfo=UTC)),
        ("2026-03-01T07:49:17:540Z", datetime(2026, 3, 1, 7, 49, 17, 540000, tzinfo=UTC)),
        ("2026-03-01T07:49:17.540Z", datetime(2026, 3, 1, 7, 49, 17, 540000, tzinfo=UTC)),
        ("2026-03-01T15:49:17+08:00", datetime(2026, 3, 1, 7, 49, 17, tzinfo=UTC)),
        ("2026-03-01T07:49:17", datetime(2026, 3, 1, 7, 49, 17, tzinfo=UTC)),
        ("0001-01-01T00:00:00+08:00", None),
        ("yesterday", None),
        (None, None),
        (17, None),
    ],
)
def test_every_format_of_event_time_is_read(written: object, read: datetime | None) -> None:
    assert parse(EventTime=written).event_time == read


def test_the_uploader_may_be_json_text_in_extend() -> None:
    extend = json.dumps({"userId": "u1", "userName": "阿明", "avatarUrl": "http://m/u1.png"})
    event = parse(VideoId="v1", Status="success", Extend=extend)
    assert (event.media_id, event.status) == ("v1", "success")
    assert event.user_data
    assert event.user_data.uploader == Uploader("u1", "阿明", "http://m/u1.png")


def test_the_uploader_may_be_an_object_in_extend() -> None:
    event = parse(Extend={"userId": 12})
    assert event.user_data
    assert event.user_data.uploader == Uploader("12")


@pytest.mark.parametrize("extend", [None, "", 5, ["u1"], True])
def test_an_unusable_extend_gives_no_user_data(extend: object) -> None:
    assert parse(Extend=extend).user_data is None


@pytest.mark.parametrize("extend", ["free text", "[1]", '{"userId": ""}', '{"userId": {}}'])
def test_an_extend_of_other_data_names_no_uploader(extend: str) -> None:
    event = parse(Extend=extend)
    assert event.user_data
    assert event.user_data.uploader is None


@pytest.mark.parametrize("data", [{"Suggestion": "pass"}, '{"Suggestion": "pass"}'])
def test_data_may_be_an_object_or_json_text(data: object) -> None:
    event = parse(EventType="AIMediaAuditComplete", MediaId="v1", JobId="j1", Data=data)
    assert event.media_id == "v1"
    assert event.body["Data"] == {"Suggestion": "pass"}


def test_data_that_is_not_json_is_kept_as_text() -> None:
    assert parse(Data="{half").body["Data"] == "{half"


@pytest.mark.parametrize("as_text", [True, False])
def test_changes_are_read_from_nested_json_text(as_text: bool) -> None:
    changes: Any = {"Title": '{"OldValue":"a","NewValue":"b"}'}
    content = json.dumps(changes) if as_text else changes
    event = parse(EventType="MediaBaseChangeComplete", MediaId="v1", MediaContent=content)
    assert event.body["MediaContent"]["Title"]["NewValue"] == "b"


def test_every_job_is_named_once() -> None:
    streams = [{"JobId": "j1"}, {"JobId": "j2"}, {"JobId": "j1"}, {}, "odd", {"JobId": {}}]
    assert parse(EventType="TranscodeComplete", StreamInfos=streams).job_ids == ("j1", "j2")
    assert parse(EventType="SnapshotComplete", SnapshotInfos=[{"JobId": "s"}]).job_ids == ("s",)
    assert parse(JobId="j0", StreamInfos=[{"JobId": "j1"}]).job_ids == ("j0", "j1")
    assert parse(JobIds="a, b").job_ids == ("a", "b")
    assert parse(JobIds=["a", "b"]).job_ids == ("a", "b")
    assert parse(JobIds=5, StreamInfos=None).job_ids == ()


def test_an_event_of_unknown_type_is_read() -> None:
    event = parse(EventType="SomethingNew", Whatever=1)
    assert (event.type, event.media_id, event.body["Whatever"]) == ("SomethingNew", "", 1)


def test_keys_with_trailing_spaces_are_read() -> None:
    assert parse_event(b'{"EventType ": "UploadByURLComplete", "VideoId ": "v1"}').media_id == "v1"


def test_only_repeated_callbacks_share_a_dedupe_key() -> None:
    event = {"VideoId": "v1", "JobId": "j1", "EventTime": "2026-03-01T07:49:17Z"}
    first = parse(**event)
    assert parse(**dict(reversed(event.items())), Extra=1).dedupe_key == first.dedupe_key
    for change in (
        {"EventType": "TranscodeComplete"},
        {"VideoId": "v2"},
        {"JobId": "j2"},
        {"EventTime": "2026-03-01T07:49:18Z"},
    ):
        assert parse(**{**event, **change}).dedupe_key != first.dedupe_key


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b'"text"',
        b"{}",
        b'{"EventType": null}',
        b'{"EventType": {}}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"EventType": "X", "a":' + b"[" * 50 + b"]" * 50 + b"}",
        b'{"EventType": "X", "n": ' + b"9" * 5000 + b"}",
    ],
)
def test_a_body_that_is_not_an_event_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedEvent, match="The event"):
        parse_event(body)


def test_a_body_can_be_stored_by_every_database() -> None:
    event = parse_event(b'{"EventType": "X", "Title": "a\\u0000b\\ud800", "n": NaN}')
    assert event.body == {"EventType": "X", "Title": "ab?", "n": None}


# No time limits: the machine may be busy.
UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
KEYS = ("VideoId", "MediaId", "JobId", "JobIds", "StreamInfos", "SnapshotInfos", "Status")
MORE_KEYS = ("EventTime", "Extend", "Data", "MediaContent")


@UNTIMED
@given(st.dictionaries(st.sampled_from(KEYS + MORE_KEYS), json_values))
def test_no_body_with_a_type_breaks_the_reader(content: dict[str, Any]) -> None:
    event = parse(**content)
    assert event.type == "FileUploadComplete"
    assert all(isinstance(job_id, str) for job_id in event.job_ids)
    json.dumps(event.body, allow_nan=False).encode()


@UNTIMED
@given(st.binary(max_size=200))
def test_random_bytes_are_malformed_and_not_a_defect(body: bytes) -> None:
    with pytest.raises(MalformedEvent, match="The event"):
        parse_event(body)
