"""Which callbacks are genuine, and what they say."""

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


def parsed(**content: Any) -> Event:
    return parse_event(json.dumps({"EventType": "FileUploadComplete", **content}).encode())


def test_a_signature_is_the_documented_digest() -> None:
    expected = hashlib.md5(f"{URL}|{STAMP}|{KEY}".encode()).hexdigest()
    assert sign(URL, STAMP, KEY) == expected


def test_a_genuine_callback_passes_by_either_key_and_in_either_case() -> None:
    verify()
    verify(signature=sign(URL, STAMP, OLD_KEY))
    verify(signature=sign(URL, STAMP, KEY).upper())


@pytest.mark.parametrize("age", [-300, 300])
def test_the_window_includes_its_ends(age: int) -> None:
    verify(now=NOW + timedelta(seconds=age))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"now": NOW + timedelta(seconds=301)}, "too far from the present"),
        ({"now": NOW - timedelta(seconds=301)}, "too far from the present"),
        ({"timestamp": ""}, "not signed"),
        ({"signature": ""}, "not signed"),
        ({"timestamp": "soon"}, "no number"),
        ({"timestamp": "-1"}, "no number"),
        ({"timestamp": "٣" * 10}, "no number"),
        ({"timestamp": "9" * 5000}, "no number"),
        ({"signature": sign(URL, STAMP, "SomebodyElses1")}, "not ours"),
        ({"signature": "é"}, "not ours"),
        ({"callback_url": URL + "/"}, "not ours"),
        ({"timestamp": str(int(STAMP) + 1)}, "not ours"),
        ({"keys": []}, "No callback key"),
        ({"keys": [""], "signature": sign(URL, STAMP, "")}, "No callback key"),
        ({"keys": [KEY, ""], "signature": sign(URL, STAMP, "")}, "not ours"),
    ],
)
def test_anything_else_is_refused_with_a_reason_and_no_secret(
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
def test_every_shape_of_event_time_is_read(written: object, read: datetime | None) -> None:
    assert parsed(EventTime=written).event_time == read


def test_the_uploader_comes_as_json_text_in_extend() -> None:
    extend = json.dumps({"userId": "u1", "userName": "阿明", "avatarUrl": "http://m/u1.png"})
    event = parsed(VideoId="v1", Status="success", Extend=extend)
    assert (event.media_id, event.status) == ("v1", "success")
    assert event.user_data
    assert event.user_data.uploader == Uploader("u1", "阿明", "http://m/u1.png")


def test_the_uploader_may_come_as_an_object() -> None:
    event = parsed(Extend={"userId": 12})
    assert event.user_data
    assert event.user_data.uploader == Uploader("12")


@pytest.mark.parametrize("extend", [None, "", 5, ["u1"], True])
def test_no_usable_extend_is_none(extend: object) -> None:
    assert parsed(Extend=extend).user_data is None


@pytest.mark.parametrize("extend", ["free text", "[1]", '{"userId": ""}', '{"userId": {}}'])
def test_an_extend_of_another_kind_names_no_uploader(extend: str) -> None:
    event = parsed(Extend=extend)
    assert event.user_data
    assert event.user_data.uploader is None


@pytest.mark.parametrize("data", [{"Suggestion": "pass"}, '{"Suggestion": "pass"}'])
def test_data_as_object_and_as_text_are_the_same(data: object) -> None:
    event = parsed(EventType="AIMediaAuditComplete", MediaId="v1", JobId="j1", Data=data)
    assert event.media_id == "v1"
    assert event.body["Data"] == {"Suggestion": "pass"}


def test_data_that_is_no_json_stays_as_it_is() -> None:
    assert parsed(Data="{half").body["Data"] == "{half"


@pytest.mark.parametrize("as_text", [True, False])
def test_changes_are_read_through_both_layers_of_text(as_text: bool) -> None:
    changes: Any = {"Title": '{"OldValue":"a","NewValue":"b"}'}
    content = json.dumps(changes) if as_text else changes
    event = parsed(EventType="MediaBaseChangeComplete", MediaId="v1", MediaContent=content)
    assert event.body["MediaContent"]["Title"]["NewValue"] == "b"


def test_every_job_is_named_once() -> None:
    streams = [{"JobId": "j1"}, {"JobId": "j2"}, {"JobId": "j1"}, {}, "odd", {"JobId": {}}]
    assert parsed(EventType="TranscodeComplete", StreamInfos=streams).job_ids == ("j1", "j2")
    assert parsed(EventType="SnapshotComplete", SnapshotInfos=[{"JobId": "s"}]).job_ids == ("s",)
    assert parsed(JobId="j0", StreamInfos=[{"JobId": "j1"}]).job_ids == ("j0", "j1")
    assert parsed(JobIds="a, b").job_ids == ("a", "b")
    assert parsed(JobIds=["a", "b"]).job_ids == ("a", "b")
    assert parsed(JobIds=5, StreamInfos=None).job_ids == ()


def test_an_unknown_event_is_an_event() -> None:
    event = parsed(EventType="SomethingNew", Whatever=1)
    assert (event.type, event.media_id, event.body["Whatever"]) == ("SomethingNew", "", 1)


def test_keys_with_trailing_spaces_are_read() -> None:
    assert parse_event(b'{"EventType ": "UploadByURLComplete", "VideoId ": "v1"}').media_id == "v1"


def test_repeated_deliveries_share_a_key_and_other_events_do_not() -> None:
    event = {"VideoId": "v1", "JobId": "j1", "EventTime": "2026-03-01T07:49:17Z"}
    first = parsed(**event)
    assert parsed(**dict(reversed(event.items())), Extra=1).dedupe_key == first.dedupe_key
    for change in (
        {"EventType": "TranscodeComplete"},
        {"VideoId": "v2"},
        {"JobId": "j2"},
        {"EventTime": "2026-03-01T07:49:18Z"},
    ):
        assert parsed(**{**event, **change}).dedupe_key != first.dedupe_key


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
def test_what_is_no_event_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedEvent, match="The event"):
        parse_event(body)


def test_a_body_can_be_stored_by_every_database() -> None:
    event = parse_event(b'{"EventType": "X", "Title": "a\\u0000b\\ud800", "n": NaN}')
    assert event.body == {"EventType": "X", "Title": "ab?", "n": None}


# A busy machine is no defect.
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
    event = parsed(**content)
    assert event.type == "FileUploadComplete"
    assert all(isinstance(job_id, str) for job_id in event.job_ids)
    json.dumps(event.body, allow_nan=False).encode()


@UNTIMED
@given(st.binary(max_size=200))
def test_any_bytes_are_malformed_rather_than_a_defect(body: bytes) -> None:
    with pytest.raises(MalformedEvent, match="The event"):
        parse_event(body)
