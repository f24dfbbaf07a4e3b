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

from .support import emit_event, make_endpoint, work

pytestmark = pytest.mark.django_db


def signed_with(received: Received, key: str) -> bool:
    timestamp = int(received.headers["x-console-timestamp"])
    expected = signature(received.content, timestamp=timestamp, key=key)
    return f"v1={expected}" in received.headers["x-console-signature"].split(",")


def test_a_signature_matches_the_documentation() -> None:
    # printf '1700000000.{"id":1}' | openssl dgst -sha256 -hmac whsec_test
    assert signatures(b'{"id":1}', timestamp=1_700_000_000, keys=["whsec_test"]) == (
        "v1=2f441ba4b3b2d50d28a9ab9d9fd8880376ecd1eb5d0435401553f5d8d0a5dcf8"
    )


def test_each_secret_is_new_and_long() -> None:
    first, second = new_secret(), new_secret()
    assert first != second
    assert first.startswith("whsec_")
    assert len(first) == 49


def test_old_and_new_secret_sign_during_the_grace_period(
    receiver: Receiver, settings: Settings
) -> None:
    settings.WEBHOOK_SECRET_GRACE = 3600
    endpoint = make_endpoint(receiver)
    old = endpoint.secret
    new = rotate_secret(endpoint)
    assert new != old
    emit_event()
    work()
    [received] = receiver.received
    assert signed_with(received, old)
    assert signed_with(received, new)
    assert received.headers["x-console-signature"].count("v1=") == 2


def test_after_the_grace_period_only_the_new_secret_signs(receiver: Receiver) -> None:
    endpoint = make_endpoint(receiver)
    old, new = endpoint.secret, rotate_secret(endpoint)
    endpoint.refresh_from_db()
    endpoint.previous_secret_until = timezone.now() - timedelta(seconds=1)
    endpoint.save()
    emit_event()
    work()
    [received] = receiver.received
    assert signed_with(received, new)
    assert not signed_with(received, old)
    prune_webhooks()
    endpoint.refresh_from_db()
    assert endpoint.previous_secret == ""


def test_each_attempt_has_its_own_timestamp_and_signature(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver.answer = lambda _: 500
    endpoint = make_endpoint(receiver)
    emit_event()
    work()
    later = timezone.now() + timedelta(minutes=10)
    monkeypatch.setattr("shortvideo.webhooks.deliveries.timezone.now", lambda: later)
    work()
    first, second = receiver.received
    assert first.content == second.content
    assert first.headers["x-console-timestamp"] < second.headers["x-console-timestamp"]
    assert signed_with(second, endpoint.secret)


def test_a_secret_appears_in_no_text_outbox_row_or_log(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    receiver.answer = lambda _: 500
    endpoint = make_endpoint(receiver)
    emit_event()
    work(2)
    endpoint.refresh_from_db()
    delivery = Delivery.objects.get()
    shown = (
        repr(endpoint), str(endpoint), repr(delivery), str(delivery.payload), delivery.error,
        endpoint.last_error, caplog.text, str([vars(record) for record in caplog.records]),
    )  # fmt: skip
    assert len(receiver.received) == 2
    assert not [text for text in shown if endpoint.secret in text]
