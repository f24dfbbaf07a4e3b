"""Signatures, the change of a secret, and where a secret never appears."""

import logging
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from shortvideo.outbox.models import Delivery
from shortvideo.webhooks.periodic import prune_webhooks
from shortvideo.webhooks.services import rotate_secret
from shortvideo.webhooks.signing import new_secret, signature, signatures
from tests.support.receiver import Received, Receiver

from .support import make_endpoint, tell, work

pytestmark = pytest.mark.django_db


def signed_with(received: Received, key: str) -> bool:
    timestamp = int(received.headers["x-console-timestamp"])
    expected = signature(received.content, timestamp=timestamp, key=key)
    return f"v1={expected}" in received.headers["x-console-signature"].split(",")


def test_a_signature_is_the_documented_one() -> None:
    # printf '1700000000.{"id":1}' | openssl dgst -sha256 -hmac whsec_test
    assert signatures(b'{"id":1}', timestamp=1_700_000_000, keys=["whsec_test"]) == (
        "v1=2f441ba4b3b2d50d28a9ab9d9fd8880376ecd1eb5d0435401553f5d8d0a5dcf8"
    )


def test_each_secret_is_new_and_long() -> None:
    first, second = new_secret(), new_secret()
    assert first != second
    assert first.startswith("whsec_")
    assert len(first) == 49


def test_a_changed_secret_signs_beside_the_old_one_for_a_while(
    receiver: Receiver, settings: Settings
) -> None:
    settings.WEBHOOK_SECRET_GRACE = 3600
    endpoint = make_endpoint(receiver)
    old = endpoint.secret
    new = rotate_secret(endpoint)
    assert new != old
    tell()
    work()
    [received] = receiver.received
    assert signed_with(received, old)
    assert signed_with(received, new)
    assert received.headers["x-console-signature"].count("v1=") == 2


def test_after_that_while_only_the_new_one_signs_and_the_old_one_is_forgotten(
    receiver: Receiver,
) -> None:
    endpoint = make_endpoint(receiver)
    old, new = endpoint.secret, rotate_secret(endpoint)
    endpoint.refresh_from_db()
    endpoint.previous_secret_until = timezone.now() - timedelta(seconds=1)
    endpoint.save()
    tell()
    work()
    [received] = receiver.received
    assert signed_with(received, new)
    assert not signed_with(received, old)
    prune_webhooks()
    endpoint.refresh_from_db()
    assert endpoint.previous_secret == ""


def test_an_event_that_is_tried_again_is_signed_for_the_moment_of_the_attempt(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver.answer = lambda _: 500
    endpoint = make_endpoint(receiver)
    tell()
    work()
    later = timezone.now() + timedelta(minutes=10)
    monkeypatch.setattr("shortvideo.webhooks.deliveries.timezone.now", lambda: later)
    work()
    first, second = receiver.received
    assert first.content == second.content
    assert first.headers["x-console-timestamp"] < second.headers["x-console-timestamp"]
    assert signed_with(second, endpoint.secret)


def test_a_secret_is_in_no_text_no_row_of_the_outbox_and_no_log(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    receiver.answer = lambda _: 500
    endpoint = make_endpoint(receiver)
    tell()
    work(2)
    endpoint.refresh_from_db()
    delivery = Delivery.objects.get()
    shown = (
        repr(endpoint), str(endpoint), repr(delivery), str(delivery.payload), delivery.error,
        endpoint.last_error, caplog.text, str([vars(record) for record in caplog.records]),
    )  # fmt: skip
    assert len(receiver.received) == 2
    assert not [text for text in shown if endpoint.secret in text]
