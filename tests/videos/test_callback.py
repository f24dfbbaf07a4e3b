"""VOD's callback: signatures, stored events, and no call to VOD during the request."""

import hmac
import json
import socket
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from shortvideo.cloud.events import sign
from shortvideo.outbox.models import Delivery, DeliveryState
from videos.events.views import MAX_BODY_BYTES
from videos.models import VodEvent

pytestmark = pytest.mark.django_db

URL = "/vodcallback/callback"
EVENT: dict[str, Any] = {
    "EventType": "TranscodeComplete",
    "EventTime": "2026-03-01T12:00:00Z",
    "VideoId": "a" * 32,
    "Status": "success",
}

Post = Callable[..., Any]


@pytest.fixture
def post(client: Client, settings: Settings) -> Post:
    """Return a function that posts an event as VOD would, with any key, age, body or type."""

    def post(
        body: object = EVENT,
        *,
        key: str = "",
        age: float = 0,
        content_type: str = "application/json",
        **headers: str,
    ) -> Any:
        stamp = str(int((timezone.now() - timedelta(seconds=age)).timestamp()))
        signature = sign(settings.VOD_CALLBACK_URL, stamp, key or settings.VOD_CALLBACK_KEY)
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return client.generic(
            "POST",
            URL,
            content,
            content_type=content_type,
            headers={"X-VOD-TIMESTAMP": stamp, "X-VOD-SIGNATURE": signature, **headers},
        )

    return post


def test_an_event_is_stored_and_answered_without_calling_vod(post: Post) -> None:
    assert post().status_code == 200  # VOD's endpoint is closed in this test
    event = VodEvent.objects.get()
    assert (event.event_type, event.media_id, event.state) == (
        "TranscodeComplete",
        "a" * 32,
        VodEvent.State.WAITING,
    )
    assert event.body["Status"] == "success"
    delivery = Delivery.objects.get()
    assert (delivery.kind, delivery.subject) == ("process_event", "a" * 32)
    assert delivery.payload == {"event": event.pk}


def test_an_event_is_stored_while_vod_hangs_and_no_worker_runs(
    post: Post, settings: Settings
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hanging:  # accepts calls and never answers
        hanging.setblocking(False)
        settings.VOD_ENDPOINT = f"127.0.0.1:{hanging.getsockname()[1]}"
        assert post().status_code == 200
        with pytest.raises(BlockingIOError):
            hanging.accept()  # there was no call
    assert VodEvent.objects.get().state == VodEvent.State.WAITING
    assert Delivery.objects.get().state == DeliveryState.WAITING


def test_a_repeated_event_is_answered_and_stored_once(post: Post) -> None:
    assert [post().status_code for _ in range(3)] == [200, 200, 200]
    assert (VodEvent.objects.count(), Delivery.objects.count()) == (1, 1)


def test_different_events_of_the_same_second_are_both_stored(post: Post) -> None:
    decided = {**EVENT, "EventType": "CreateAuditComplete", "MediaId": EVENT["VideoId"]}
    post({**decided, "AuditStatus": "Normal"})
    post({**decided, "AuditStatus": "Blocked"})
    assert (VodEvent.objects.count(), Delivery.objects.count()) == (2, 2)


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_the_content_type_is_ignored(post: Post, content_type: str) -> None:
    assert post(content_type=content_type).status_code == 200
    assert VodEvent.objects.count() == 1


@pytest.mark.parametrize("age", [400, -400])
def test_an_old_or_future_signature_is_refused(post: Post, age: float) -> None:
    assert post(age=age).status_code == 403
    assert not VodEvent.objects.exists()


def test_a_forged_signature_is_refused(post: Post) -> None:
    answer = post(key="AnotherKey")
    assert answer.status_code == 403
    assert answer.content == b"The callback's signature is not ours.\n"


def test_a_callback_without_signature_is_refused(client: Client) -> None:
    answer = client.post(URL, EVENT, content_type="application/json")
    assert answer.status_code == 403
    assert not VodEvent.objects.exists()


def test_without_a_configured_key_everything_is_refused(client: Client, settings: Settings) -> None:
    settings.VOD_CALLBACK_KEY = ""
    stamp = str(int(timezone.now().timestamp()))
    headers = {
        "X-VOD-TIMESTAMP": stamp,
        "X-VOD-SIGNATURE": sign(settings.VOD_CALLBACK_URL, stamp, ""),
    }
    answer = client.post(URL, EVENT, content_type="application/json", headers=headers)
    assert answer.status_code == 403


def test_the_current_and_the_previous_key_are_accepted(post: Post, settings: Settings) -> None:
    settings.VOD_CALLBACK_PREVIOUS_KEY = "TheKeyOfYesterday1"
    assert post(key="TheKeyOfYesterday1").status_code == 200
    assert post(key=settings.VOD_CALLBACK_KEY).status_code == 200


def test_every_key_is_compared_in_constant_time(
    post: Post, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.VOD_CALLBACK_PREVIOUS_KEY = "TheKeyOfYesterday1"
    compared: list[bool] = []
    compare_digest = hmac.compare_digest

    def counted(given: bytes, expected: bytes) -> bool:
        compared.append(compare_digest(given, expected))
        return compared[-1]

    monkeypatch.setattr(hmac, "compare_digest", counted)
    assert post(key=settings.VOD_CALLBACK_KEY).status_code == 200
    assert compared == [True, False], "a match with the first key does not skip the second"


@pytest.mark.parametrize(
    "body",
    [b"", b"not json", b"[1, 2]", b'"text"', b"{}", b'{"EventType": ""}', b"\xff\xfe", b"[" * 9000],
)
def test_a_body_that_is_not_an_event_is_answered_400(post: Post, body: bytes) -> None:
    assert post(body).status_code == 400
    assert not VodEvent.objects.exists()


def test_a_body_that_is_too_large_is_answered_413(post: Post) -> None:
    assert post({**EVENT, "Extend": "x" * MAX_BODY_BYTES}).status_code == 413
    assert not VodEvent.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        {"EventType": "SomethingNew", "VideoId": "b" * 32},
        {"EventType": "ImageUploadComplete", "ImageId": "c" * 32},
        {"EventType": "TranscodeComplete"},
        {"EventType": "TranscodeComplete", "VideoId": "x" * 65},
        {"EventType": "DeleteMediaComplete", "MediaId": "d" * 32, "MediaType": "image"},
        {"EventType": "y" * 90, "VideoId": "b" * 32},
    ],
)
def test_an_unknown_event_is_stored_and_answered_200(post: Post, body: dict[str, str]) -> None:
    assert post(body).status_code == 200
    assert VodEvent.objects.get().state == VodEvent.State.UNKNOWN
    assert not Delivery.objects.exists()


def test_characters_that_no_database_stores_are_removed(post: Post) -> None:
    body = {**EVENT, "Title": "a\x00b", "Note": "\ud800"}
    assert post(body).status_code == 200
    assert VodEvent.objects.get().body["Title"] == "ab"


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_only_post_is_allowed(client: Client, method: str) -> None:
    assert getattr(client, method)(URL).status_code == 405


def test_no_csrf_token_is_needed(post: Post, client: Client) -> None:
    client.handler.enforce_csrf_checks = True
    assert post().status_code == 200
